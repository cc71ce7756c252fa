import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ClusterModel } from "#lib/simulation/cluster-model.ts";
import { centralRounds } from "#lib/simulation/reference/central-rounds.ts";
import { anyCluster } from "../../../support/cluster-arbitraries.ts";
import { modelHost, modelVm } from "../../../support/cluster-models.ts";

const GIB = 2 ** 30;

/** One host with `count` VMs of one core and 1 GiB, and `empty` hosts without any; 8 cores each. */
function heap(count: number, empty: number): ClusterModel {
  const names = ["hot", ...Array.from({ length: empty }, (_, index) => `cold${index}`)];
  return {
    hosts: names.map((name) => modelHost(name, { cpuCapacityCores: 8 })),
    vms: Array.from({ length: count }, (_, index) =>
      modelVm(`vm${index}`, "hot", { memoryBytes: GIB }),
    ),
  };
}

describe("centralRounds()", () => {
  it("sends one VM at a time out of a host, each after its memory's time", () => {
    // Two of four leave one after the other: 1 s + 2 s each.
    const timing = { seconds: 20, fixedSeconds: 1, secondsPerGib: 2 };
    const { secondsTo95, movesTo95, moves, after } = centralRounds(heap(4, 1), timing);
    expect({ secondsTo95, movesTo95, moves }).toEqual({ secondsTo95: 6, movesTo95: 2, moves: 2 });
    expect(after.cpuSd).toBeCloseTo(0);
  });

  it("sends two hosts' VMs to two targets at the same time", () => {
    const { hosts } = heap(0, 3);
    const vms = ["hot", "cold0"].flatMap((host) =>
      ["a", "b"].map((name) => modelVm(`${host}-${name}`, host, { memoryBytes: GIB, cpuCores: 2 })),
    );
    const { secondsTo95, moves } = centralRounds({ hosts, vms }, { seconds: 20 });
    expect({ secondsTo95, moves }).toEqual({ secondsTo95: 2, moves: 2 });
  });

  it("takes one VM at a time into a host", () => {
    const { hosts } = heap(0, 2);
    const vms = ["hot", "cold0"].flatMap((host) =>
      [1, 2, 3].map((index) => modelVm(`${host}-${index}`, host, { memoryBytes: GIB })),
    );
    const { secondsTo95, moves } = centralRounds({ hosts, vms }, { seconds: 20 });
    expect({ secondsTo95, moves }).toEqual({ secondsTo95: 4, moves: 2 });
  });

  it("is level at once where the greedy finds nothing, and says so when time runs out", () => {
    expect(centralRounds(heap(1, 1), { seconds: 5 })).toMatchObject({ secondsTo95: 0, moves: 0 });
    expect(centralRounds(heap(4, 1), { seconds: 1 })).toMatchObject({ secondsTo95: null });
  });

  it("stops at level when told to", () => {
    const noisy = { seconds: 30, cpuCoresAt: (vm: number, second: number) => (vm + second) % 3 };
    const short = centralRounds(heap(4, 1), { ...noisy, stopAtLevel: true });
    expect(short.secondsTo95).not.toBeNull();
    expect(short.moves).toBeLessThan(centralRounds(heap(4, 1), noisy).moves);
  });

  it("follows the loads of each second", () => {
    // Whichever VM burns is worth spreading; before it burns nothing is worth a move.
    const vms = ["a", "b"].map((name) => modelVm(name, "hot", { cpuCores: 0, memoryBytes: 1 }));
    const cpuCoresAt = (_vm: number, second: number) => (second < 3 ? 0 : 4);
    const model = { hosts: heap(0, 1).hosts, vms };
    expect(centralRounds(model, { seconds: 2, cpuCoresAt }).moves).toBe(0);
    expect(centralRounds(model, { seconds: 3, cpuCoresAt }).moves).toBe(1);
  });

  it("never fills a host over its memory", () => {
    fc.assert(
      fc.property(anyCluster(), (cluster) => {
        const { before, after } = centralRounds(cluster, { seconds: 40 });
        expect(after.memMax).toBeLessThanOrEqual(Math.max(1, before.memMax));
      }),
      { numRuns: 60 },
    );
  });
});
