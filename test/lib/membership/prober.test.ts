import { describe, expect, it } from "vitest";
import { Prng } from "#lib/base/prng.ts";
import { Awareness } from "#lib/membership/awareness.ts";
import { MemberTable } from "#lib/membership/member-table.ts";
import { Outbox } from "#lib/membership/outbox.ts";
import { membershipDefaults } from "#lib/membership/params.ts";
import { Prober } from "#lib/membership/prober.ts";
import type { MemberState } from "#lib/model/verdict.ts";

function proberOf(states: Readonly<Record<string, MemberState>>) {
  const table = new MemberTable();
  const outbox = new Outbox();
  const awareness = new Awareness(8);
  const params = membershipDefaults;
  const prober = new Prober({ params, prng: new Prng(1), awareness, table, outbox });
  for (const [host, state] of Object.entries(states)) {
    table.set({ host, state, incarnation: 2, sinceMs: 0, restarting: false });
    prober.memberAdded(host, 0);
  }
  /** Runs to `endMs` and returns whom it probed, and what stayed unanswered. */
  const runUntil = (endMs: number) => {
    const probed: string[] = [];
    const silent: string[] = [];
    for (
      let dueMs = prober.nextMs();
      dueMs !== undefined && dueMs <= endMs;
      dueMs = prober.nextMs()
    ) {
      silent.push(...prober.timeout(dueMs).map(({ target }) => target));
      for (const order of outbox.take()) {
        if (order.type === "datagram" && order.message.type === "probe") probed.push(order.to);
      }
    }
    return { probed, silent };
  };
  return { prober, awareness, table, runUntil };
}

describe("Prober", () => {
  it("probes one member a second in turn, and the dead only now and then", () => {
    const { probed } = proberOf({
      a: "alive",
      b: "alive",
      c: "alive",
      d: "dead",
      e: "left",
    }).runUntil(20_000);
    const times = (host: string) => probed.filter((name) => name === host).length;
    expect(times("e")).toBe(0);
    expect(times("d")).toBeGreaterThanOrEqual(5);
    expect(times("d")).toBeLessThanOrEqual(8);
    for (const host of ["a", "b", "c"]) expect(times(host)).toBeGreaterThanOrEqual(5);
  });

  it("never counts the silence of the dead", () => {
    const { silent } = proberOf({ d: "dead" }).runUntil(20_000);
    expect(silent).toEqual([]);
  });

  it("doubts itself when it heard nobody at all during a probe", () => {
    const { prober, awareness } = proberOf({ a: "alive", b: "alive" });
    const probe = {
      nonce: 1,
      target: "a",
      kind: "full",
      startedAtMs: 100,
      helpers: [],
      timeoutMs: 500,
      prolonged: false,
    } as const;
    prober.heard("b", 200);
    prober.doubtSelf([probe]);
    expect(awareness.score).toBe(0);
    prober.doubtSelf([{ ...probe, startedAtMs: 300 }]);
    expect(awareness.score).toBe(1);
  });

  it("keeps asking a silent suspect, until it proves its life", () => {
    const { prober, table, runUntil } = proberOf({ a: "alive" });
    const first = runUntil(4000);
    expect(first.silent).toContain("a");
    table.set({ host: "a", state: "suspect", incarnation: 2, sinceMs: 0, restarting: false });
    expect(runUntil(8000).probed.length).toBeGreaterThan(1);
    table.set({ host: "a", state: "left", incarnation: 2, sinceMs: 0, restarting: false });
    prober.memberSettled("a");
    expect(runUntil(12_000).probed).toEqual([]);
  });
});
