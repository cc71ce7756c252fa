import type { HostSummary, HypervisorFacts } from "../model/host.ts";
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
  readonly freeSlotsIn: number;
  readonly freeSlotsOut: number;
  readonly draining: boolean;
  /** Groups of the VMs here and of those granted in. */
  readonly antiAffinityGroups: readonly string[];
  readonly hypervisor: HypervisorFacts;
}

/** Utilisation of a host or the mean of several; 1 is full, CPU demand may go beyond. */
export interface Utilisation {
  readonly cpu: number;
  readonly memory: number;
}

export function figuresOfSummary(host: HostId, summary: HostSummary): HostFigures {
  return {
    host,
    name: summary.name,
    cpuCapacityCores: summary.cpuCapacityCores,
    memoryCapacityBytes: summary.memoryCapacityBytes,
    cpuCores: summary.projectedCpuCores,
    memoryBytes: summary.projectedMemoryBytes,
    freeSlotsIn: summary.freeSlotsIn,
    freeSlotsOut: summary.freeSlotsOut,
    draining: summary.draining,
    antiAffinityGroups: summary.antiAffinityGroups,
    hypervisor: summary.hypervisor,
  };
}

/** A resource whose capacity is not known (0) counts as unused, not as overloaded. */
export function utilisationOf(host: HostFigures): Utilisation {
  return {
    cpu: share(host.cpuCores, host.cpuCapacityCores),
    memory: share(host.memoryBytes, host.memoryCapacityBytes),
  };
}

/**
 * The utilisation that every host would have if all were level: all load over the capacity of the
 * hosts that stay. A draining host's load counts, because it will come to the others.
 */
export function levelUtilisation(hosts: readonly HostFigures[]): Utilisation {
  const sum = { cpu: 0, cpuCapacity: 0, memory: 0, memoryCapacity: 0 };
  for (const host of hosts) {
    sum.cpu += host.cpuCores;
    sum.memory += host.memoryBytes;
    if (host.draining) continue;
    sum.cpuCapacity += host.cpuCapacityCores;
    sum.memoryCapacity += host.memoryCapacityBytes;
  }
  return { cpu: share(sum.cpu, sum.cpuCapacity), memory: share(sum.memory, sum.memoryCapacity) };
}

/** The least utilisation of each resource among hosts that may take a VM; undefined for none. */
export function leastUtilisation(hosts: readonly HostFigures[]): Utilisation | undefined {
  let least: Utilisation | undefined;
  for (const host of hosts) {
    if (host.draining) continue;
    const { cpu, memory } = utilisationOf(host);
    least = least
      ? { cpu: Math.min(least.cpu, cpu), memory: Math.min(least.memory, memory) }
      : { cpu, memory };
  }
  return least;
}

function share(used: number, capacity: number): number {
  return capacity > 0 ? used / capacity : 0;
}
