import type { AffinityPart, HostSummary, HypervisorFacts } from "../model/host.ts";
import type { HostId } from "../model/ids.ts";

/** What the planner knows of a host, its own or another. */
export interface HostFigures {
  readonly host: HostId;
  /** For people. */
  readonly name: string;
  readonly cpuCapacityCores: number;
  readonly memoryCapacityBytes: number;
  /** Projected demand: measured + granted in - granted out, in cores. May exceed the capacity. */
  readonly cpuCores: number;
  /**
   * Projected memory: the host's own need, its VMs, and what is granted in. A VM on its way out
   * counts until its copy is gone, because until then its memory is.
   */
  readonly memoryBytes: number;
  /** Projected traffic, both directions together. */
  readonly networkBytesPerSecond: number;
  /** 0 where it is not known: then the traffic counts for nothing. */
  readonly networkCapacityBytesPerSecond: number;
  readonly freeSlotsIn: number;
  readonly freeSlotsOut: number;
  readonly draining: boolean;
  /** Groups of the VMs here and of those granted in. */
  readonly antiAffinityGroups: readonly string[];
  /** Likewise, with how much of each is here. */
  readonly affinityGroups: readonly AffinityPart[];
  readonly hypervisor: HypervisorFacts;
}

/** Utilisation of a host or the mean of several; 1 is full, CPU demand may go beyond. */
export interface Utilisation {
  readonly cpu: number;
  readonly memory: number;
  /** 0 where the capacity is not known. */
  readonly network: number;
}

/** What a host can run short of. */
export const resources = ["cpu", "memory", "network"] as const;

export function figuresOfSummary(host: HostId, summary: HostSummary): HostFigures {
  return {
    host,
    name: summary.name,
    cpuCapacityCores: summary.cpuCapacityCores,
    memoryCapacityBytes: summary.memoryCapacityBytes,
    cpuCores: summary.projectedCpuCores,
    memoryBytes: summary.projectedMemoryBytes,
    networkBytesPerSecond: summary.projectedNetworkBytesPerSecond,
    networkCapacityBytesPerSecond: summary.networkCapacityBytesPerSecond,
    freeSlotsIn: summary.freeSlotsIn,
    freeSlotsOut: summary.freeSlotsOut,
    draining: summary.draining,
    antiAffinityGroups: summary.antiAffinityGroups,
    affinityGroups: summary.affinityGroups,
    hypervisor: summary.hypervisor,
  };
}

/** A resource whose capacity is not known (0) counts as unused, not as overloaded. */
export function utilisationOf(host: HostFigures): Utilisation {
  return {
    cpu: share(host.cpuCores, host.cpuCapacityCores),
    memory: share(host.memoryBytes, host.memoryCapacityBytes),
    network: share(host.networkBytesPerSecond, host.networkCapacityBytesPerSecond),
  };
}

/**
 * The utilisation that every host would have if all were level: all load over the capacity of the
 * hosts that stay. A draining host's load counts, because it will come to the others.
 */
export function levelUtilisation(hosts: readonly HostFigures[]): Utilisation {
  const sum = { cpu: 0, cpuCapacity: 0, memory: 0, memoryCapacity: 0 };
  const network = { used: 0, capacity: 0 };
  for (const host of hosts) {
    sum.cpu += host.cpuCores;
    sum.memory += host.memoryBytes;
    // Traffic of a host whose links are not known has no share that the others could be held to.
    if (host.networkCapacityBytesPerSecond > 0) network.used += host.networkBytesPerSecond;
    if (host.draining) continue;
    sum.cpuCapacity += host.cpuCapacityCores;
    sum.memoryCapacity += host.memoryCapacityBytes;
    network.capacity += host.networkCapacityBytesPerSecond;
  }
  return {
    cpu: share(sum.cpu, sum.cpuCapacity),
    memory: share(sum.memory, sum.memoryCapacity),
    network: share(network.used, network.capacity),
  };
}

/** The least utilisation of each resource among hosts that may take a VM; undefined for none. */
export function leastUtilisation(hosts: readonly HostFigures[]): Utilisation | undefined {
  let least: Utilisation | undefined;
  for (const host of hosts) {
    if (host.draining) continue;
    // A link of unknown speed counts as full here: nobody has a reason to envy it.
    const network = host.networkCapacityBytesPerSecond > 0 ? utilisationOf(host).network : 1;
    const one = { ...utilisationOf(host), network };
    least = least ? lesserOf(least, one) : one;
  }
  return least;
}

function lesserOf(a: Utilisation, b: Utilisation): Utilisation {
  return {
    cpu: Math.min(a.cpu, b.cpu),
    memory: Math.min(a.memory, b.memory),
    network: Math.min(a.network, b.network),
  };
}

/** Guests of such a host wait for a CPU, or soon will; full memory makes nobody wait. */
export function isHotInCpu(
  { cpuCores, cpuCapacityCores }: Pick<HostFigures, "cpuCores" | "cpuCapacityCores">,
  hotShare: number,
): boolean {
  return share(cpuCores, cpuCapacityCores) > hotShare;
}

/** Of a capacity; 0 where that is not known. */
export function share(used: number, capacity: number): number {
  return capacity > 0 ? used / capacity : 0;
}
