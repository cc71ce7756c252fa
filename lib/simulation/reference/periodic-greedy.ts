import type { ClusterModel } from "../cluster-model.ts";
import { type CentralGreedyOptions, centralGreedy } from "./central-greedy.ts";
import type { TimedMove } from "./contention.ts";

export interface PeriodicGreedyOptions extends CentralGreedyOptions {
  readonly seconds: number;
  /** It plans at `firstAtSecond` and then at this interval. */
  readonly everySeconds: number;
  readonly firstAtSecond: number;
  /** What a VM (by its index in the model) asks for, cores. */
  readonly cpuCoresAt: (vm: number, second: number) => number;
}

/**
 * A central brain on a timer, as most balancers are, under changing loads. In its favour: it knows
 * the loads of the very second it plans in, and its moves take no time.
 */
export function periodicGreedy(model: ClusterModel, options: PeriodicGreedyOptions): TimedMove[] {
  const { seconds, everySeconds, firstAtSecond, cpuCoresAt, ...greedy } = options;
  const moves: TimedMove[] = [];
  let placement: ReadonlyMap<string, string> | undefined;
  for (let second = firstAtSecond; second < seconds; second += everySeconds) {
    const vms = model.vms.map((vm, index) => ({
      ...vm,
      host: placement?.get(vm.name) ?? vm.host,
      cpuCores: cpuCoresAt(index, second),
    }));
    const plan = centralGreedy({ hosts: model.hosts, vms }, greedy);
    placement = plan.placement;
    for (const { vm, to } of plan.moves) moves.push({ second, vm, to });
  }
  return moves;
}
