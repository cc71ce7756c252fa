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

  it("makes the very moves that a look at every pair finds", () => {
    fc.assert(
      fc.property(anyCluster(), (cluster) => {
        const { moves } = centralGreedy(cluster);
        expect(moves.map(({ vm: name, to }) => [name, to])).toEqual(plainGreedy(cluster));
      }),
      { numRuns: 300 },
    );
  });
});

/** The same rule without any cleverness. */
function plainGreedy(cluster: ClusterModel): [string, string][] {
  const standing = new Standing(cluster, 1);
  const moves: [string, string][] = [];
  for (;;) {
    let best: { vm: number; host: number; gain: number } | undefined;
    for (const pair of pairsOf(cluster)) {
      if (standing.hostOf[pair.vm] === pair.host || !standing.fits(pair.vm, pair.host)) continue;
      const gain = standing.fallOf(pair.vm) - standing.riseOf(pair.vm, pair.host);
      if (gain > (best?.gain ?? GREEDY_GAIN_MIN)) best = { ...pair, gain };
    }
    if (best === undefined) return moves;
    standing.move(best.vm, best.host);
    moves.push([cluster.vms[best.vm]?.name ?? "", cluster.hosts[best.host]?.name ?? ""]);
  }
}

function pairsOf({ hosts: all, vms }: ClusterModel) {
  return vms.flatMap((_, index) => all.map((_host, host) => ({ vm: index, host })));
}
