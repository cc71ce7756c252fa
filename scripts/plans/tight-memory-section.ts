import { Prng } from "#lib/base/prng.ts";
import type { ClusterModel, ModelHost, ModelVm } from "#lib/simulation/cluster-model.ts";
import { spreadOf } from "#lib/simulation/cluster-model.ts";
import { compare, comparisonFigures, movesAndSds, share } from "./judged-run.ts";
import { type Section, verdictOf } from "./section.ts";

const GIB = 2 ** 30;
const HOST_CORES = 16;
const SECONDS = 1200;
/** What is to be left of the CPU's standard deviation at the start. */
const SD_SHARE_MAX = 0.5;

/** A kind of host of 64 GiB: how many, what its VMs burn in all, how large each of them is. */
interface Kind {
  readonly count: number;
  readonly cpuShare: number;
  readonly reservedGib: number;
  readonly vmsGib: readonly number[];
}

/** 1 GiB reserved and fifteen VMs of 4 GiB are 95 %, and 3 GiB are too little for one. */
const FULL = { reservedGib: 1, vmsGib: many(15, 4) };
const ROOM_FOR_ONE = { reservedGib: 1, vmsGib: many(14, 4) };

const CASES: Readonly<Record<string, readonly Kind[]>> = {
  "hot, cold, and a third in between with room for one VM": [
    { count: 1, cpuShare: 0.85, ...FULL },
    { count: 1, cpuShare: 0.2, ...FULL },
    { count: 1, cpuShare: 0.5, ...ROOM_FOR_ONE },
  ],
  "hot, cold, and a third as hot with room for one VM": [
    { count: 1, cpuShare: 0.85, ...FULL },
    { count: 1, cpuShare: 0.1, ...FULL },
    { count: 1, cpuShare: 0.85, ...ROOM_FOR_ONE },
  ],
  "4 hot, 4 cold, one in between with room for one VM": [
    { count: 4, cpuShare: 0.85, ...FULL },
    { count: 4, cpuShare: 0.2, ...FULL },
    { count: 1, cpuShare: 0.5, ...ROOM_FOR_ONE },
  ],
  "hot with VMs of 8 GiB, and a third with room for one of the cold one's small VMs": [
    { count: 1, cpuShare: 0.85, reservedGib: 5, vmsGib: many(7, 8) },
    { count: 1, cpuShare: 0.15, reservedGib: 5, vmsGib: [...many(5, 8), ...many(3, 5)] },
    { count: 1, cpuShare: 0.5, reservedGib: 5, vmsGib: [...many(4, 8), ...many(4, 5)] },
  ],
};

export const tightMemory: Section = {
  name: "tight",
  title: "Memory 95 % full, a third host with little room: cpuSd",
  notes: [
    "Hosts of 64 GiB, 95 % full: no VM fits between hot and cold. Single moves that each gain are stuck, or nearly so: the central column.",
  ],
  *run() {
    for (const [name, kinds] of Object.entries(CASES)) {
      const model = packed(kinds);
      const before = spreadOf(model);
      const comparison = compare(model, 1, { seconds: SECONDS });
      const goal = SD_SHARE_MAX * before.cpuSd;
      yield {
        what: `${name} (${share(before.cpuSd)})`,
        reach: `cpuSd <= ${share(goal)}`,
        ours: movesAndSds(comparison.moves, comparison.spread),
        central: movesAndSds(comparison.greedyMoves, comparison.greedySpread),
        verdict: verdictOf(comparison.spread.cpuSd <= goal),
        figures: comparisonFigures(comparison),
      };
    }
  },
};

function packed(kinds: readonly Kind[]): ClusterModel {
  const prng = new Prng("tight");
  const hosts: ModelHost[] = [];
  const vms: ModelVm[] = [];
  for (const { count, cpuShare, reservedGib, vmsGib } of kinds) {
    for (let index = 0; index < count; index++) {
      const name = `host-${hosts.length + 1}`;
      hosts.push({
        name,
        cpuCapacityCores: HOST_CORES,
        memoryCapacityBytes: 64 * GIB,
        reservedMemoryBytes: reservedGib * GIB,
      });
      vms.push(...guestsOf(name, vmsGib, cpuShare * HOST_CORES, prng));
    }
  }
  return { hosts, vms };
}

/** Unlike each other by a factor of three at most. */
function guestsOf(host: string, vmsGib: readonly number[], cores: number, prng: Prng): ModelVm[] {
  const weights = vmsGib.map(() => 0.5 + prng.nextShare());
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight, index) => ({
    name: `${host}-vm-${index + 1}`,
    host,
    cpuCores: Math.round((cores * weight * 1000) / total) / 1000,
    memoryBytes: (vmsGib[index] ?? 0) * GIB,
    diskBytes: 0,
    vcpus: 2,
    dirtyBytesPerSecond: 0,
  }));
}

function many(count: number, gib: number): number[] {
  return new Array<number>(count).fill(gib);
}
