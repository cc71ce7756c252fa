import type { VmLoad } from "../model/load.ts";
import type { HostFigures } from "./host-figures.ts";
import type { PlanningParams } from "./params.ts";
import type { VmFigures } from "./vm-figures.ts";

/**
 * The potential of a placement: the sum over hosts of (capacity / mean capacity) x utilisation²,
 * for CPU, memory and network. It is least when every host is utilised by the same share, whatever
 * its size. One unit is one host of average size at 100 % of CPU or memory, against the same empty.
 */

/** Capacity of an average host: what the weights are relative to. */
export interface CapacityScale {
  readonly cpuCores: number;
  readonly memoryBytes: number;
  /** Mean of those that are known. */
  readonly networkBytesPerSecond: number;
}

/** A VM's weight in the potential: only these three figures count. */
export type VmWeight = Pick<VmFigures, "memoryBytes"> & {
  readonly load: Pick<VmLoad, "cpuCores" | "networkBytesPerSecond">;
};

/** Mean capacities of the hosts; 1 where none is known, so that nothing is divided by zero. */
export function scaleOf(hosts: readonly HostFigures[]): CapacityScale {
  let cpuCores = 0;
  let memoryBytes = 0;
  const network = { bytesPerSecond: 0, known: 0 };
  for (const host of hosts) {
    cpuCores += host.cpuCapacityCores;
    memoryBytes += host.memoryCapacityBytes;
    if (host.networkCapacityBytesPerSecond <= 0) continue;
    network.bytesPerSecond += host.networkCapacityBytesPerSecond;
    network.known += 1;
  }
  return {
    cpuCores: cpuCores / hosts.length || 1,
    memoryBytes: memoryBytes / hosts.length || 1,
    networkBytesPerSecond: network.bytesPerSecond / network.known || 1,
  };
}

export interface PotentialOptions {
  readonly scale: CapacityScale;
  readonly weights: PlanningParams["weights"];
}

export function potential(hosts: readonly HostFigures[], options: PotentialOptions): number {
  let sum = 0;
  for (const host of hosts) sum += potentialOfHost(host, options);
  return sum;
}

/**
 * How far the potential falls when `vm` goes from one host to another, exactly; negative when it
 * rises. Costs six terms whatever the size of the cluster. There and back sums to zero. Traffic
 * counts only between hosts that both know their links, or leaving a known one would look like gain.
 */
export function gainOf(
  vm: VmWeight,
  from: HostFigures,
  to: HostFigures,
  { scale, weights }: PotentialOptions,
): number {
  const cpu =
    fall(from.cpuCores, from.cpuCapacityCores, vm.load.cpuCores) -
    rise(to.cpuCores, to.cpuCapacityCores, vm.load.cpuCores);
  const memory =
    fall(from.memoryBytes, from.memoryCapacityBytes, vm.memoryBytes) -
    rise(to.memoryBytes, to.memoryCapacityBytes, vm.memoryBytes);
  return (
    (weights.cpu * cpu) / scale.cpuCores +
    (weights.memory * memory) / scale.memoryBytes +
    networkGain(vm, from, to, { scale, weights })
  );
}

function networkGain(
  vm: VmWeight,
  from: HostFigures,
  to: HostFigures,
  { scale, weights }: PotentialOptions,
): number {
  const amount = vm.load.networkBytesPerSecond ?? 0;
  const here = from.networkCapacityBytesPerSecond;
  const there = to.networkCapacityBytesPerSecond;
  // Checked by what is true, so that a figure that an older record lacks counts as unknown.
  if (!(here > 0 && there > 0)) return 0;
  const network =
    fall(from.networkBytesPerSecond, here, amount) - rise(to.networkBytesPerSecond, there, amount);
  return (weights.network * network) / scale.networkBytesPerSecond;
}

/** A host with `vm` put on it (sign 1) or taken off (sign -1). */
export function withVm(host: HostFigures, vm: VmWeight, sign: 1 | -1): HostFigures {
  return {
    ...host,
    cpuCores: host.cpuCores + sign * vm.load.cpuCores,
    memoryBytes: host.memoryBytes + sign * vm.memoryBytes,
    networkBytesPerSecond: host.networkBytesPerSecond + sign * (vm.load.networkBytesPerSecond ?? 0),
  };
}

function potentialOfHost(host: HostFigures, { scale, weights }: PotentialOptions): number {
  return (
    (weights.cpu * square(host.cpuCores, host.cpuCapacityCores)) / scale.cpuCores +
    (weights.memory * square(host.memoryBytes, host.memoryCapacityBytes)) / scale.memoryBytes +
    (weights.network * square(host.networkBytesPerSecond, host.networkCapacityBytesPerSecond)) /
      scale.networkBytesPerSecond
  );
}

/** capacity x utilisation²; nothing where the capacity is not known. */
function square(used: number, capacity: number): number {
  return capacity > 0 ? (used * used) / capacity : 0;
}

/** used² - (used - amount)², multiplied out: subtracting near squares would lose digits. */
function fall(used: number, capacity: number, amount: number): number {
  return capacity > 0 ? (amount * (2 * used - amount)) / capacity : 0;
}

function rise(used: number, capacity: number, amount: number): number {
  return capacity > 0 ? (amount * (2 * used + amount)) / capacity : 0;
}
