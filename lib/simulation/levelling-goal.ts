import { type ClusterModel, type Spread, spreadOf } from "./cluster-model.ts";
import { centralGreedy } from "./reference/central-greedy.ts";

/** Share of the central greedy's improvement at which a cluster counts as level. */
const levelShare = 0.95;
/** Hosts that the greedy plans for at most: its cost grows with hosts times VMs, seconds for these. */
const greedyHostsMax = 4_000;

/** What a central brain with perfect information would make of a cluster. */
export interface CentralReference {
  readonly moves: number;
  readonly after: Spread;
  /** The greedy planned for so many of the hosts, every n-th; their spread stands for all. */
  readonly hosts: number;
}

/** How level a cluster can be made, and when a run has come close to that. */
export class LevellingGoal {
  readonly central: CentralReference;
  readonly #goal: number;

  constructor(model: ClusterModel) {
    const part = everyNthHost(model, greedyHostsMax);
    const { moves, after, before } = centralGreedy(part);
    this.central = { moves: moves.length, after, hosts: part.hosts.length };
    const ownBefore = sumOf(spreadOf(model));
    const improvement = Math.max(0, sumOf(before) - sumOf(after));
    this.#goal = ownBefore - levelShare * improvement;
  }

  isReached(spread: Spread): boolean {
    return sumOf(spread) <= this.#goal;
  }
}

function sumOf({ cpuSd, memSd }: Spread): number {
  return cpuSd + memSd;
}

/** Equally far apart in the list, since files are often sorted. */
function everyNthHost({ hosts, vms }: ClusterModel, hostsMax: number): ClusterModel {
  const step = Math.ceil(hosts.length / hostsMax);
  if (step <= 1) return { hosts, vms };
  const part = hosts.filter((_, index) => index % step === 0);
  const names = new Set(part.map((host) => host.name));
  return { hosts: part, vms: vms.filter((vm) => names.has(vm.host)) };
}
