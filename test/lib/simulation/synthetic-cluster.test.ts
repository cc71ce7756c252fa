import { describe, expect, it } from "vitest";
import { spreadOf } from "#lib/simulation/cluster-model.ts";
import { syntheticCluster } from "#lib/simulation/synthetic-cluster.ts";

describe("syntheticCluster()", () => {
  it("makes the same cluster from the same seed", () => {
    const options = { hosts: 10, vmsPerHost: 3, seed: 5 };
    expect(syntheticCluster(options)).toEqual(syntheticCluster(options));
    expect(syntheticCluster(options)).not.toEqual(syntheticCluster({ ...options, seed: 6 }));
  });

  it.each([2, 10, 40])("burns 45 % of the CPU and fits into memory with %i VMs a host", (count) => {
    const { hosts, vms } = syntheticCluster({ hosts: 200, vmsPerHost: count, seed: 1 });
    expect(vms).toHaveLength(200 * count);
    const burnt = vms.reduce((sum, vm) => sum + vm.cpuCores, 0) / (16 * hosts.length);
    expect(burnt).toBeGreaterThan(0.4);
    expect(burnt).toBeLessThan(0.5);
    expect(spreadOf({ hosts, vms }).memMax).toBeLessThan(0.9);
  });

  it("is the more uneven the more skew", () => {
    const sdOf = (skew: number) =>
      spreadOf(syntheticCluster({ hosts: 100, vmsPerHost: 10, seed: 1, skew })).cpuSd;
    expect(sdOf(0)).toBeLessThan(0.1);
    expect(sdOf(1)).toBeGreaterThan(0.24);
    expect(sdOf(1)).toBeLessThan(0.33);
    expect(sdOf(2)).toBeGreaterThan(sdOf(1));
  });
});
