import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ClusterModel, usesOf } from "#lib/simulation/cluster-model.ts";
import { centralGreedy, GREEDY_GAIN_MIN } from "#lib/simulation/reference/central-greedy.ts";
import { Standing } from "#lib/simulation/reference/standing.ts";
import { anyCluster } from "../../../support/cluster-arbitraries.ts";
import { modelHost, modelVm } from "../../../support/cluster-models.ts";

const hosts = [
  modelHost("a", { cpuCapacityCores: 10, memoryCapacityBytes: 100 }),
  modelHost("b", { cpuCapacityCores: 10, memoryCapacityBytes: 100 }),
  modelHost("c", { cpuCapacityCores: 10, memoryCapacityBytes: 100 }),
];
const vm = (name: string, host: string, cpuCores: number, memoryBytes = 0) =>
  modelVm(name, host, { cpuCores, memoryBytes });

describe("centralGreedy()", () => {
  it("takes the best single move first, and then the best of what is left", () => {
    // a .6: moving .3 gains 2 x .3 x (.6 - 0 - .3); moving .1 from b gains less.
    const vms = [vm("one", "a", 3), vm("two", "a", 3), vm("three", "b", 1), vm("four", "b", 2)];
    const { moves, placement } = centralGreedy({ hosts, vms });
    expect(moves).toHaveLength(1);
    expect(moves[0]).toMatchObject({ vm: "one", from: "a", to: "c" });
    expect(moves[0]?.gain).toBeCloseTo(0.18);
    expect([...placement.values()]).toEqual(["c", "a", "b", "b"]);
  });

  it("stops when no move gains more than the least gain", () => {
    const vms = [vm("one", "a", 3), vm("two", "a", 3)];
    expect(centralGreedy({ hosts, vms }, { gainMin: 0.17 }).moves).toHaveLength(1);
    expect(centralGreedy({ hosts, vms }, { gainMin: 0.19 }).moves).toHaveLength(0);
  });

  it("stops after the moves that it may make", () => {
    const vms = [1, 2, 3].map((cores) => vm(`vm${cores}`, "a", cores));
    expect(centralGreedy({ hosts, vms }, { movesMax: 1 }).moves).toMatchObject([{ vm: "vm3" }]);
    expect(centralGreedy({ hosts, vms }, { movesMax: 0 }).moves).toEqual([]);
  });

  it("fills no target's memory over the share, though the CPU would gain", () => {
    const vms = [vm("one", "a", 3, 20), vm("two", "a", 3, 20), vm("full", "b", 0, 85)];
    const onlyB = { hosts: hosts.slice(0, 2), vms };
    expect(centralGreedy(onlyB).moves).toEqual([]);
    expect(centralGreedy({ hosts, vms }, { memoryShareMax: 0.15 }).moves).toEqual([]);
  });

  it("levels unequal hosts by share", () => {
    const unequal = [
      modelHost("big", { cpuCapacityCores: 30 }),
      modelHost("small", { cpuCapacityCores: 10 }),
    ];
    const vms = Array.from({ length: 20 }, (_, index) => vm(`vm${index}`, "small", 1));
    const { after } = centralGreedy({ hosts: unequal, vms });
    expect(after.cpuMax).toBeCloseTo(0.5);
    expect(after.cpuSd).toBeCloseTo(0);
  });

  it("plans nothing for no VMs, one host, or VMs on an unknown host alone", () => {
    expect(centralGreedy({ hosts, vms: [] }).moves).toEqual([]);
    const lone = { hosts: hosts.slice(0, 1), vms: [vm("one", "a", 9)] };
    expect(centralGreedy(lone).moves).toEqual([]);
    expect(centralGreedy({ hosts, vms: [vm("one", "gone", 9)] }).moves).toEqual([]);
  });

  it("lowers the measure with each move, and never breaks memory", () => {
    fc.assert(
      fc.property(anyCluster(), (cluster) => {
        const { moves, placement } = centralGreedy(cluster);
        for (const { gain } of moves) expect(gain).toBeGreaterThan(GREEDY_GAIN_MIN);
        const before = usesOf(cluster);
        for (const [index, use] of usesOf(cluster, placement).entries()) {
          const limit = Math.max(
            cluster.hosts[index]?.memoryCapacityBytes ?? 0,
            before[index]?.memoryBytes ?? 0,
          );
          expect(use.memoryBytes).toBeLessThanOrEqual(limit);
        }
      }),
    );
  });

  it("leaves no better move than the one it takes, and none at the end", () => {
    fc.assert(
      fc.property(anyCluster(), (cluster) => {
        const standing = new Standing(cluster, 1);
        const vms = new Map(cluster.vms.map(({ name }, index) => [name, index]));
        const targets = new Map(cluster.hosts.map(({ name }, index) => [name, index]));
        for (const { vm: name, to, gain } of centralGreedy(cluster).moves) {
          expect(gain).toBeCloseTo(bestGain(standing, cluster), 9);
          standing.move(vms.get(name) ?? -1, targets.get(to) ?? -1);
        }
        expect(bestGain(standing, cluster)).toBeLessThanOrEqual(GREEDY_GAIN_MIN + 1e-9);
      }),
      { numRuns: 300 },
    );
  });
});

/** By a look at every pair. */
function bestGain(standing: Standing, { hosts: all, vms }: ClusterModel): number {
  let best = 0;
  for (const index of vms.keys()) {
    for (const host of all.keys()) {
      if (standing.hostOf[index] === host || !standing.fits(index, host)) continue;
      best = Math.max(best, standing.fallOf(index) - standing.riseOf(index, host));
    }
  }
  return best;
}
