import type { HostFigures } from "./host-figures.ts";
import type { PlanningParams } from "./params.ts";
import type { VmFigures } from "./vm-figures.ts";

/**
 * The potential of a placement: the sum over hosts of (capacity / mean capacity) x utilisation²,
 * for CPU and for memory. It is least when every host is utilised by the same share, whatever its
 * size. One unit is one host of average size at 100 % of one resource, against the same host empty.
 */

/** Capacity of an average host: what the weights are relative to. */
export interface CapacityScale {
  readonly cpuCores: number;
  readonly memoryBytes: number;
}

/** A VM's weight in the potential: only these two figures count. */
export type VmWeight = Pick<VmFigures, "memoryBytes"> & {
  readonly load: { readonly cpuCores: number };
};

/** Mean capacities of the hosts; 1 where none is known, so that nothing is divided by zero. */
export function scaleOf(hosts: readonly HostFigures[]): CapacityScale {
  let cpuCores = 0;
  let memoryBytes = 0;
  for (const host of hosts) {
    cpuCores += host.cpuCapacityCores;
    memoryBytes += host.memoryCapacityBytes;
  }
  return { cpuCores: cpuCores / hosts.length || 1, memoryBytes: memoryBytes / hosts.length || 1 };
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
 * rises. Costs four terms whatever the size of the cluster. There and back sums to zero.
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
  return (weights.cpu * cpu) / scale.cpuCores + (weights.memory * memory) / scale.memoryBytes;
}

/** A host with `vm` put on it (sign 1) or taken off (sign -1). */
export function withVm(host: HostFigures, vm: VmWeight, sign: 1 | -1): HostFigures {
  return {
    ...host,
    cpuCores: host.cpuCores + sign * vm.load.cpuCores,
    memoryBytes: host.memoryBytes + sign * vm.memoryBytes,
  };
}

function potentialOfHost(host: HostFigures, { scale, weights }: PotentialOptions): number {
  return (
    (weights.cpu * square(host.cpuCores, host.cpuCapacityCores)) / scale.cpuCores +
    (weights.memory * square(host.memoryBytes, host.memoryCapacityBytes)) / scale.memoryBytes
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
