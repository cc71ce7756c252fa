import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { mean } from "#lib/base/stats.ts";
import { type ClusterModel, usesOf } from "#lib/simulation/cluster-model.ts";
import { Standing } from "#lib/simulation/reference/standing.ts";
import { anyCluster } from "../../../support/cluster-arbitraries.ts";
import { modelHost, modelVm } from "../../../support/cluster-models.ts";

const model: ClusterModel = {
  hosts: [
    modelHost("big", { cpuCapacityCores: 20, memoryCapacityBytes: 100, reservedMemoryBytes: 20 }),
    modelHost("small", { cpuCapacityCores: 10, memoryCapacityBytes: 50 }),
  ],
  vms: [modelVm("web", "big", { cpuCores: 4, memoryBytes: 10 })],
};

describe("Standing", () => {
  it("takes each host's share by its own capacity, and weighs it by that capacity", () => {
    const standing = new Standing(model, 1);
    // big, 4/3 of the mean, falls from .2² + .3² to .2²; small, 2/3, rises from nothing to .4² + .2².
    expect(standing.fallOf(0)).toBeCloseTo((4 / 3) * 0.09);
    expect(standing.riseOf(0, 1)).toBeCloseTo((2 / 3) * 0.2);
  });

  it("fits what fills memory up to its share, not a byte more", () => {
    expect(new Standing(model, 0.2).fits(0, 1)).toBe(true);
    expect(new Standing(model, 0.19).fits(0, 1)).toBe(false);
  });

  it("counts no resource of unknown capacity", () => {
    const unknown = { ...model, hosts: [modelHost("big", { cpuCapacityCores: 0 })] };
    expect(new Standing(unknown, 1).fallOf(0)).toBeCloseTo((10 / (64 * 2 ** 30)) ** 2);
  });

  it("says of any move exactly how far the sum of squares falls", () => {
    fc.assert(
      fc.property(anyCluster(), fc.nat(), fc.nat(), (cluster, anyVm, anyHost) => {
        fc.pre(cluster.vms.length > 0 && cluster.hosts.length > 1);
        const standing = new Standing(cluster, 1);
        const vm = anyVm % cluster.vms.length;
        const host = anyHost % cluster.hosts.length;
        fc.pre(standing.hostOf[vm] !== host);
        const gain = standing.fallOf(vm) - standing.riseOf(vm, host);
        const before = sumOfSquares(cluster, standing);
        standing.move(vm, host);
        expect(before - sumOfSquares(cluster, standing)).toBeCloseTo(gain, 9);
      }),
    );
  });

  it("counts anew what the moves have summed up", () => {
    fc.assert(
      fc.property(anyCluster(), fc.array(fc.tuple(fc.nat(), fc.nat())), (cluster, moves) => {
        fc.pre(cluster.vms.length > 0);
        const standing = new Standing(cluster, 1);
        for (const [vm, host] of moves) {
          standing.move(vm % cluster.vms.length, host % cluster.hosts.length);
        }
        const summed = [...standing.cpuCores];
        standing.recount();
        for (const [host, cores] of summed.entries()) {
          expect(standing.cpuCores[host]).toBeCloseTo(cores, 9);
        }
      }),
    );
  });
});

/** The measure, written down a second time from the model's own shares. */
function sumOfSquares(cluster: ClusterModel, standing: Standing): number {
  const meanCores = mean(cluster.hosts.map((host) => host.cpuCapacityCores));
  const meanBytes = mean(cluster.hosts.map((host) => host.memoryCapacityBytes));
  let sum = 0;
  for (const [index, use] of usesOf(cluster, standing.placement()).entries()) {
    const host = cluster.hosts[index];
    if (host === undefined) continue;
    const { cpuCapacityCores: cores, memoryCapacityBytes: bytes } = host;
    sum += (cores / meanCores) * (use.cpuCores / cores) ** 2;
    sum += (bytes / meanBytes) * (use.memoryBytes / bytes) ** 2;
  }
  return sum;
}
