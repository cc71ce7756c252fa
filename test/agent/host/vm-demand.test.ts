import { describe, expect, it } from "vitest";
import { guestCpuCores, vmDemands } from "#agent/host/vm-demand.ts";
import type { VmUsage } from "#agent/ports/hypervisor.ts";

const SECOND_NS = 1e9;

function usage(vm: string, cpuSeconds: number, waitedSeconds = 0): VmUsage {
  return {
    vm,
    cpuTimeNs: cpuSeconds * SECOND_NS,
    runDelayNs: waitedSeconds * SECOND_NS,
    residentBytes: 1000,
    dirtyBytesPerSecond: null,
    networkBytes: null,
  };
}

describe("vmDemands()", () => {
  it("is used plus waited, so that a starved guest does not look small", () => {
    const demands = vmDemands([usage("a", 10, 1)], [usage("a", 10.5, 3.5)], 2000);
    expect(demands).toEqual([
      {
        vm: "a",
        load: {
          cpuCores: 1.5,
          residentBytes: 1000,
          dirtyBytesPerSecond: null,
          networkBytesPerSecond: null,
        },
      },
    ]);
  });

  it("has traffic where both looks counted it and the count did not fall", () => {
    const at = (networkBytes: number | null) => [{ ...usage("a", 1), networkBytes }];
    const traffic = (before: number | null, now: number | null) =>
      vmDemands(at(before), at(now), 2000)[0]?.load.networkBytesPerSecond;
    expect(traffic(100, 700)).toBe(300);
    expect(traffic(null, 700)).toBeNull();
    expect(traffic(700, null)).toBeNull();
    expect(traffic(700, 100)).toBeNull();
  });

  it("has no figure for a guest that is new, gone, or in a new process", () => {
    const before = [usage("gone", 1), usage("restarted", 5), usage("waited", 5, 5)];
    const now = [usage("new", 1), usage("restarted", 0.1), usage("waited", 6, 0.1)];
    expect(vmDemands(before, now, 1000)).toEqual([]);
  });
});

describe("guestCpuCores()", () => {
  it("sums what was used, with all of a new process' time", () => {
    const before = [usage("a", 10, 9), usage("restarted", 5)];
    const now = [usage("a", 11, 19), usage("restarted", 0.5), usage("new", 0.25)];
    expect(guestCpuCores(before, now, 1000)).toBeCloseTo(1.75);
    expect(guestCpuCores(before, [], 1000)).toBe(0);
  });
});
