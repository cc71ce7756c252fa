import { mean } from "../../base/stats.ts";
import type { ClusterModel, ModelHost, ModelVm } from "../cluster-model.ts";

/**
 * How a cluster stands, in flat arrays that a central reference can search fast. The measure is the
 * sum over hosts of (CPU utilisation² + memory utilisation²), each host weighted by its capacity over
 * the mean capacity: unweighted where all hosts are alike. Without weights the least sum of squares
 * would have big hosts run hotter than small ones. Hosts and VMs are known by their index.
 *
 * Deliberately not `lib/planning`: what judges the planner shares no code with it.
 */
export class Standing {
  readonly hosts: readonly ModelHost[];
  readonly vms: readonly ModelVm[];
  /** By VM: what it burns (the caller may change it, then `recount`), its memory, its host. */
  readonly vmCpuCores: Float64Array;
  readonly vmMemoryBytes: Float64Array;
  readonly hostOf: Int32Array;
  /** By host: in use (memory with what is reserved), and what memory may rise to. */
  readonly cpuCores: Float64Array;
  readonly memoryBytes: Float64Array;
  readonly memoryLimitBytes: Float64Array;
  /**
   * By host: what the square of the cores or bytes in use counts, 1 / (capacity x mean capacity);
   * 0 where the capacity is not known, so that the resource counts nothing there.
   */
  readonly cpuFactor: Float64Array;
  readonly memoryFactor: Float64Array;

  /** `memoryShareMax`: how much of a host's memory a move may fill, 0..1. */
  constructor(model: ClusterModel, memoryShareMax: number) {
    const { hosts, vms } = model;
    const indexOf = new Map(hosts.map((host, index) => [host.name, index]));
    this.hosts = hosts;
    this.vms = vms;
    this.vmCpuCores = Float64Array.from(vms, (vm) => vm.cpuCores);
    this.vmMemoryBytes = Float64Array.from(vms, (vm) => vm.memoryBytes);
    this.hostOf = Int32Array.from(vms, (vm) => indexOf.get(vm.host) ?? -1);
    this.cpuCores = new Float64Array(hosts.length);
    this.memoryBytes = new Float64Array(hosts.length);
    this.memoryLimitBytes = Float64Array.from(
      hosts,
      (host) => host.memoryCapacityBytes * memoryShareMax,
    );
    this.cpuFactor = factorsOf(hosts.map((host) => host.cpuCapacityCores));
    this.memoryFactor = factorsOf(hosts.map((host) => host.memoryCapacityBytes));
    this.recount();
  }

  /** Adds up again what runs where. */
  recount(): void {
    this.cpuCores.fill(0);
    for (const [index, host] of this.hosts.entries()) {
      this.memoryBytes[index] = host.reservedMemoryBytes;
    }
    for (let vm = 0; vm < this.vms.length; vm++) this.add(vm, at(this.hostOf, vm), 1);
  }

  /** How far the measure falls when `vm` is taken off its host; nothing when it is on none. */
  fallOf(vm: number): number {
    const host = at(this.hostOf, vm);
    if (host < 0) return 0;
    const cpu = at(this.vmCpuCores, vm);
    const memory = at(this.vmMemoryBytes, vm);
    return (
      cpu * (2 * at(this.cpuCores, host) - cpu) * at(this.cpuFactor, host) +
      memory * (2 * at(this.memoryBytes, host) - memory) * at(this.memoryFactor, host)
    );
  }

  /** How far the measure rises when `vm` is put on `host`, which it is not on. */
  riseOf(vm: number, host: number): number {
    const cpu = at(this.vmCpuCores, vm);
    const memory = at(this.vmMemoryBytes, vm);
    return (
      cpu * (2 * at(this.cpuCores, host) + cpu) * at(this.cpuFactor, host) +
      memory * (2 * at(this.memoryBytes, host) + memory) * at(this.memoryFactor, host)
    );
  }

  fits(vm: number, host: number): boolean {
    return (
      at(this.memoryBytes, host) + at(this.vmMemoryBytes, vm) <= at(this.memoryLimitBytes, host)
    );
  }

  /** Puts `vm` on `host`, off the one it was on. */
  move(vm: number, host: number): void {
    this.add(vm, at(this.hostOf, vm), -1);
    this.hostOf[vm] = host;
    this.add(vm, host, 1);
  }

  /** Counts `vm` on `host` (sign 1) or no longer (sign -1), without moving it. */
  add(vm: number, host: number, sign: 1 | -1): void {
    if (host < 0) return;
    this.cpuCores[host] = at(this.cpuCores, host) + sign * at(this.vmCpuCores, vm);
    this.memoryBytes[host] = at(this.memoryBytes, host) + sign * at(this.vmMemoryBytes, vm);
  }

  placement(): Map<string, string> {
    return new Map(
      this.vms.map((vm, index) => [vm.name, this.hosts[at(this.hostOf, index)]?.name ?? vm.host]),
    );
  }
}

/** An element that is known to be there: the searches run over their own arrays' lengths. */
export function at(values: Float64Array | Int32Array, index: number): number {
  return values[index] as number;
}

function factorsOf(capacities: readonly number[]): Float64Array {
  const average = mean(capacities);
  return Float64Array.from(capacities, (capacity) => (capacity > 0 ? 1 / (capacity * average) : 0));
}
