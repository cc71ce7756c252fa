import { populationSd } from "../base/stats.ts";

/**
 * A cluster at one moment, as a plain value: which VM is where, and what it asks for. What a cluster
 * file says, what a simulated run starts from, and what the central references plan on.
 */
export interface ClusterModel {
  /** At least one; names are unique. */
  readonly hosts: readonly ModelHost[];
  /** Names are unique; each is on a host of the list. */
  readonly vms: readonly ModelVm[];
}

export interface ModelHost {
  readonly name: string;
  readonly cpuCapacityCores: number;
  readonly memoryCapacityBytes: number;
  /** Memory that guests cannot have: the host's own. */
  readonly reservedMemoryBytes: number;
}

export interface ModelVm {
  readonly name: string;
  /** Name of the host it is on. */
  readonly host: string;
  /** CPU it burns wherever it runs, cores. */
  readonly cpuCores: number;
  readonly memoryBytes: number;
  readonly diskBytes: number;
  readonly vcpus: number;
  readonly dirtyBytesPerSecond: number;
}

/** Where each VM is: name of the VM to name of its host. */
export type Placement = ReadonlyMap<string, string>;

/**
 * How uneven a placement is. Utilisation of a host: CPU = cores burnt / cores; memory = (reserved +
 * guests) / capacity. Shares, not percent; `sd` is over the population of hosts.
 */
export interface Spread {
  readonly cpuSd: number;
  readonly cpuMax: number;
  readonly memSd: number;
  readonly memMax: number;
}

/** What runs on one host: cores burnt, and bytes with what is reserved. */
export interface HostUse {
  cpuCores: number;
  memoryBytes: number;
}

/** The placement that the model itself describes. */
export function placementOf(model: ClusterModel): Map<string, string> {
  return new Map(model.vms.map((vm) => [vm.name, vm.host]));
}

/**
 * CPU and memory in use on each host, in the model's order; memory includes what is reserved. A VM
 * that `placement` does not name stays where the model has it; one on an unknown host counts nowhere.
 */
export function usesOf(model: ClusterModel, placement?: Placement): HostUse[] {
  const uses = model.hosts.map((host) => ({ cpuCores: 0, memoryBytes: host.reservedMemoryBytes }));
  const indexOf = new Map(model.hosts.map((host, index) => [host.name, index]));
  for (const vm of model.vms) {
    const use = uses[indexOf.get(placement?.get(vm.name) ?? vm.host) ?? -1];
    if (use === undefined) continue;
    use.cpuCores += vm.cpuCores;
    use.memoryBytes += vm.memoryBytes;
  }
  return uses;
}

/** Spread of `placement`, or of the model as it stands; all zeroes without hosts. */
export function spreadOf(model: ClusterModel, placement?: Placement): Spread {
  const uses = usesOf(model, placement);
  const cpu: number[] = [];
  const memory: number[] = [];
  for (const [index, host] of model.hosts.entries()) {
    const use = uses[index];
    cpu.push(shareOf(use?.cpuCores ?? 0, host.cpuCapacityCores));
    memory.push(shareOf(use?.memoryBytes ?? 0, host.memoryCapacityBytes));
  }
  return {
    cpuSd: populationSd(cpu),
    cpuMax: maxOf(cpu),
    memSd: populationSd(memory),
    memMax: maxOf(memory),
  };
}

/** Nothing where the capacity is not known. */
function shareOf(used: number, capacity: number): number {
  return capacity > 0 ? used / capacity : 0;
}

/** A loop: spreading ten thousand arguments over a call is not safe. */
function maxOf(values: readonly number[]): number {
  let max = 0;
  for (const value of values) max = Math.max(max, value);
  return max;
}
