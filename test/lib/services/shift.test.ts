import { describe, expect, it } from "vitest";
import { shiftPairs } from "#lib/services/shift.ts";
import { viewOf } from "../../support/service-view-fixture.ts";

const hosts = [
  { host: "node-1", state: "running", cpuShare: 0.75, utilisation: 0.8 },
  { host: "node-2", utilisation: 0.3 },
  { host: "node-3", utilisation: 0.1 },
  { host: "node-4", utilisation: 0.9 },
  { host: "node-5", utilisation: 0, state: "stale" },
  { host: "node-6", utilisation: 0, draining: true },
] as const;

describe("shiftPairs()", () => {
  it("are the cooler hosts where the member could be resumed, coldest first", () => {
    const pairs = shiftPairs(viewOf(hosts), "node-1", 8);
    expect(pairs.map(({ to }) => to)).toEqual(["node-3", "node-2"]);
    expect(pairs[0]).toEqual({
      service: "web",
      from: "node-1",
      to: "node-3",
      memoryBytes: 256 * 2 ** 20,
      vcpus: 1,
      cpuCores: 0.75,
    });
  });

  it("are bounded, and none without a running member here", () => {
    expect(shiftPairs(viewOf(hosts), "node-1", 1)).toHaveLength(1);
    expect(shiftPairs(viewOf(hosts), "node-2", 8)).toEqual([]);
    expect(shiftPairs(viewOf(hosts), "node-9", 8)).toEqual([]);
  });
});
