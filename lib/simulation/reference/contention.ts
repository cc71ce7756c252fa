import type { ClusterModel } from "../cluster-model.ts";

/** A VM runs on another host from `second` on. */
export interface TimedMove {
  readonly second: number;
  readonly vm: string;
  readonly to: string;
}

export interface ContentionOptions {
  readonly seconds: number;
  /** Loads are constant within each step that begins at a multiple of this. */
  readonly stepSeconds: number;
  /** What a VM (by its index in the model) asks for, cores. */
  readonly cpuCoresAt: (vm: number, second: number) => number;
  /** By time. */
  readonly moves: readonly TimedMove[];
}

/**
 * The time integral of the number of VMs that are on a host whose VMs ask for more CPU than it has,
 * VM-seconds. Each of them gets less than it asks for. The VMs begin where the model has them.
 */
export function contentionVmSeconds(model: ClusterModel, options: ContentionOptions): number {
  const { seconds, stepSeconds, cpuCoresAt } = options;
  const hosts = new Map(model.hosts.map((host, index) => [host.name, index]));
  const vms = new Map(model.vms.map((vm, index) => [vm.name, index]));
  const hostOf = model.vms.map((vm) => hosts.get(vm.host) ?? -1);
  const moves = [...options.moves, { second: Number.POSITIVE_INFINITY, vm: "", to: "" }];
  let nextMove = 0;
  let sum = 0;
  let now = 0;
  while (now < seconds) {
    for (let move = moves[nextMove]; move && move.second <= now; move = moves[++nextMove]) {
      hostOf[vms.get(move.vm) ?? -1] = hosts.get(move.to) ?? -1;
    }
    const stepEnd = (Math.floor(now / stepSeconds) + 1) * stepSeconds;
    const until = Math.min(seconds, stepEnd, moves[nextMove]?.second ?? seconds);
    const cores = model.vms.map((_, vm) => cpuCoresAt(vm, now));
    sum += (until - now) * contendedVms(model, hostOf, cores);
    now = until;
  }
  return sum;
}

function contendedVms(
  { hosts }: ClusterModel,
  hostOf: readonly number[],
  cores: readonly number[],
): number {
  const demand = new Float64Array(hosts.length);
  const counts = new Int32Array(hosts.length);
  for (const [vm, host] of hostOf.entries()) {
    demand[host] = (demand[host] ?? 0) + (cores[vm] ?? 0);
    counts[host] = (counts[host] ?? 0) + 1;
  }
  let vms = 0;
  for (const [index, host] of hosts.entries()) {
    if ((demand[index] ?? 0) > host.cpuCapacityCores) vms += counts[index] ?? 0;
  }
  return vms;
}
