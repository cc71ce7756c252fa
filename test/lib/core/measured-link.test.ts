import { describe, expect, it } from "vitest";
import { withMeasuredLink } from "#lib/core/measured-link.ts";
import { MoveHistory } from "#lib/core/move-history.ts";
import { defaultCoreSettings } from "#lib/core/node-options.ts";
import type { Self } from "#lib/core/self.ts";
import type { MoveOutcome } from "#lib/model/move-outcome.ts";
import { defaultPlanningParams as planning } from "#lib/planning/params.ts";
import { emptyLoad } from "../../support/node-driver.ts";

interface Host {
  readonly bandwidthBytesPerSecond?: number;
  /** What its card claims; null for unknown, undefined before the first sample. */
  readonly claimedBytesPerSecond?: number | null;
}

function selfOf({ bandwidthBytesPerSecond = 0, claimedBytesPerSecond }: Host): Self {
  const limits = { ...defaultCoreSettings.limits, bandwidthBytesPerSecond };
  const hostLoad =
    claimedBytesPerSecond === undefined
      ? null
      : { ...emptyLoad, networkCapacityBytesPerSecond: claimedBytesPerSecond };
  return { options: { settings: { ...defaultCoreSettings, limits } }, hostLoad } as Self;
}

function historyOf(sent: readonly (readonly [bytes: number, ms: number])[]): MoveHistory {
  const history = new MoveHistory();
  for (const [id, [transferredBytes, durationMs]] of sent.entries()) {
    const outcome = { moveId: `web.${id}.00`, result: "moved", endedAtMs: id };
    history.add({ ...outcome, transferredBytes, durationMs } as MoveOutcome);
  }
  return history;
}

function linkOf(host: Host, sent: readonly (readonly [number, number])[] = []): number {
  const measured = withMeasuredLink(planning, { self: selfOf(host), history: historyOf(sent) });
  expect(measured).toEqual({ ...planning, linkBytesPerSecond: measured.linkBytesPerSecond });
  return measured.linkBytesPerSecond;
}

describe("withMeasuredLink()", () => {
  it("goes by the settings while nothing is known", () => {
    expect(linkOf({})).toBe(planning.linkBytesPerSecond);
    expect(linkOf({ claimedBytesPerSecond: null })).toBe(planning.linkBytesPerSecond);
  });

  it("goes by what the card claims before the first move, less what others need", () => {
    expect(linkOf({ claimedBytesPerSecond: 1_250e6 })).toBe(1_125e6);
  });

  it("goes by the bytes and times of its own moves together, delays included", () => {
    expect(linkOf({ claimedBytesPerSecond: 1_250e6 }, [[1e9, 5_000]])).toBe(2e8);
    // A small move's delays count as long as they took, not as much as a large one's.
    const both = linkOf({}, [
      [1e6, 1_000],
      [9e9, 9_000],
    ]);
    expect(both).toBeCloseTo(9.001e9 / 10, -1);
  });

  it("goes by the last eight moves: links change", () => {
    const slow = Array.from({ length: 20 }, () => [1e9, 100_000] as const);
    const fast = Array.from({ length: 8 }, () => [1e9, 1_000] as const);
    expect(linkOf({}, [...slow, ...fast])).toBe(1e9);
    expect(linkOf({}, [...slow, ...fast.slice(1)])).toBeLessThan(1e8);
  });

  it("takes no speed from moves that took no time", () => {
    expect(linkOf({}, [[1e9, 0]])).toBe(planning.linkBytesPerSecond);
  });

  it("keeps to what the admin allows, whatever moves reached", () => {
    const host = { bandwidthBytesPerSecond: 5e7, claimedBytesPerSecond: 1_250e6 };
    expect(linkOf(host, [[1e9, 1_000]])).toBe(planning.linkBytesPerSecond);
  });
});
