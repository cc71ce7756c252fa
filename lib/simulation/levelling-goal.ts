import { type ClusterModel, type Spread, spreadOf } from "./cluster-model.ts";
import { centralGreedy } from "./reference/central-greedy.ts";

/** Share of the central greedy's improvement at which a cluster counts as level. */
const levelShare = 0.95;
/** Hosts that the greedy plans for at most: its cost grows with hosts times VMs. */
const greedyHostsMax = 1_500;

/** What a central brain with perfect information would make of a cluster. */
export interface CentralReference {
  readonly moves: number;
  readonly after: Spread;
  /** The greedy planned for so many of the hosts, the first; its spread stands for all. */
  readonly hosts: number;
}

/** How level a cluster can be made, and when a run has come close to that. */
export class LevellingGoal {
  readonly central: CentralReference;
  readonly #goal: number;

  constructor(model: ClusterModel) {
    const part = firstHosts(model, greedyHostsMax);
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

function firstHosts({ hosts, vms }: ClusterModel, count: number): ClusterModel {
  if (hosts.length <= count) return { hosts, vms };
  const part = hosts.slice(0, count);
  const names = new Set(part.map((host) => host.name));
  return { hosts: part, vms: vms.filter((vm) => names.has(vm.host)) };
}
