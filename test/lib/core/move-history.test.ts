import { describe, expect, it } from "vitest";
import { MoveHistory } from "#lib/core/move-history.ts";
import type { MoveOutcome } from "#lib/model/move-outcome.ts";

function outcome(id: number, changes: Partial<MoveOutcome> = {}): MoveOutcome {
  return {
    moveId: `web.${id}.00112233445566aa`,
    ...{ vm: "web", from: "self", to: "other", reason: "imbalance", gain: 1, cost: 0 },
    ...{ result: "moved", detail: "", durationMs: 1, downtimeMs: null, transferredBytes: 0 },
    endedAtMs: id,
    ...changes,
  } as MoveOutcome;
}

describe("MoveHistory", () => {
  it("keeps the newest in a ring of 500 lines, over a restart", () => {
    const history = new MoveHistory();
    const lines = new Map<string, string | null>();
    for (let id = 1; id <= 1_203; id++) {
      const { key, value } = history.add(outcome(id));
      lines.set(key, value);
    }
    expect(lines.size).toBe(500);
    const restored = new MoveHistory();
    restored.restore([...lines].map(([key, value]) => ({ key, value })));
    expect(restored.own).toEqual(history.own);
    expect(restored.own.map(({ endedAtMs }) => endedAtMs).slice(0, 2)).toEqual([1_203, 1_202]);
    expect(restored.own).toHaveLength(500);
    expect(restored.add(outcome(1_204)).key).toBe("history/0203");
  });

  it("begins empty", () => {
    const history = new MoveHistory();
    history.restore([]);
    expect(history.own).toEqual([]);
    expect(history.add(outcome(1)).key).toBe("history/0000");
  });

  it("gossips the last eight that it was the source of", () => {
    const history = new MoveHistory();
    for (let id = 1; id <= 20; id++) history.add(outcome(id, { from: id % 2 ? "self" : "other" }));
    const told = history.gossiped("self").map(({ endedAtMs }) => endedAtMs);
    expect(told).toEqual([19, 17, 15, 13, 11, 9, 7, 5]);
  });

  it("tells the last moves that arrived elsewhere, newest first, of those whose bytes it knows", () => {
    const history = new MoveHistory();
    for (let id = 1; id <= 20; id++) {
      history.add(outcome(id, { transferredBytes: id % 2, result: id % 5 ? "moved" : "aborted" }));
    }
    const sent = (count: number) => history.recentlySent(count).map(({ endedAtMs }) => endedAtMs);
    expect(sent(3)).toEqual([19, 17, 13]);
    expect(sent(100)).toEqual([19, 17, 13, 11, 9, 7, 3, 1]);
    expect(new MoveHistory().recentlySent(8)).toEqual([]);
  });

  it("merges what others tell: each move once, the source's figures first, newest first", () => {
    const history = new MoveHistory();
    history.add(outcome(1));
    history.add(outcome(3, { downtimeMs: 40 }));
    const others = [
      outcome(1, { downtimeMs: 25, transferredBytes: 9 }),
      outcome(3, { downtimeMs: 999 }),
      outcome(2),
    ];
    const merged = history.merged(others);
    expect(merged.map(({ endedAtMs, downtimeMs }) => [endedAtMs, downtimeMs])).toEqual([
      [3, 40],
      [2, null],
      [1, 25],
    ]);
  });

  it("bounds what it merges", () => {
    const many = Array.from({ length: 2_000 }, (_, id) => outcome(id + 1));
    expect(new MoveHistory().merged(many)).toHaveLength(500);
  });
});
