import { describe, expect, it } from "vitest";
import { shiftPairs, shiftRefusal } from "#lib/services/shift.ts";
import { viewOf } from "../../support/service-view-fixture.ts";

const hosts = [
  { host: "node-1", state: "running", cpuShare: 0.75, utilisation: 0.8 },
  { host: "node-2", utilisation: 0.3 },
  { host: "node-3", utilisation: 0.1 },
  { host: "node-4", freeMemoryBytes: 100 * 2 ** 20 },
  { host: "node-5", utilisation: 0, state: "stale" },
  { host: "node-6", utilisation: 0, draining: true },
  { host: "node-7", outdated: true },
] as const;

describe("shiftPairs()", () => {
  it("are the hosts where the member could be resumed, coldest first, then the others", () => {
    const pairs = shiftPairs(viewOf(hosts), "node-1", 8);
    expect(pairs.map(({ to, refusal }) => [to, refusal])).toEqual([
      ["node-3", null],
      ["node-2", null],
      ["node-4", "has 100 MiB free, the member needs 256"],
      ["node-5", "has a member that is stale, not suspended"],
      ["node-6", "is draining"],
      ["node-7", "has a member of an older template"],
    ]);
    expect(pairs[0]).toEqual({ service: "web", from: "node-1", to: "node-3", refusal: null });
  });

  it("are none of a member that fails its health check: that is replaced anyway", () => {
    const failing = hosts.map((one) =>
      one.host === "node-1" ? { ...one, healthy: false as const } : one,
    );
    expect(shiftPairs(viewOf(failing), "node-1", 8)).toEqual([]);
    const asked = { from: "node-1", to: "node-2" };
    expect(shiftRefusal(asked, viewOf(failing))).toMatch(/fails its health check/);
  });

  it("are bounded, and none without a running member here", () => {
    expect(shiftPairs(viewOf(hosts), "node-1", 1)).toHaveLength(1);
    expect(shiftPairs(viewOf(hosts), "node-2", 8)).toEqual([]);
    expect(shiftPairs(viewOf(hosts), "node-9", 8)).toEqual([]);
  });
});

describe("shiftRefusal()", () => {
  it.each([
    { from: "node-1", to: "node-2", expected: null },
    { from: "node-2", to: "node-3", expected: /suspended there, not running/ },
    { from: "node-9", to: "node-3", expected: /absent there, not running/ },
    { from: "node-1", to: "node-1", expected: /^node-1 has a member that is running/ },
    { from: "node-1", to: "node-9", expected: /^knows of no member on node-9/ },
    { from: "node-1", to: "node-5", expected: /^node-5 has a member that is stale/ },
  ])("is right for $from to $to", ({ from, to, expected }) => {
    const refusal = shiftRefusal({ from, to }, viewOf(hosts));
    if (expected === null) expect(refusal).toBeNull();
    else expect(refusal).toMatch(expected);
  });
});
