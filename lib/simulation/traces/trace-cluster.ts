import type { ClusterModel, ModelHost, ModelVm } from "../cluster-model.ts";
import { SimulationInputError } from "../input-error.ts";
import type { Trace } from "./trace.ts";

const gibibyte = 2 ** 30;
/** Shares of a host that its VMs take on average, when nobody says how large hosts are. */
const cpuShareByDefault = 0.5;
const memoryShareByDefault = 0.7;
/** Moments of the recording that are looked at for its mean demand. */
const looks = 100;
const reservedMemoryBytes = gibibyte;

export interface TraceClusterOptions {
  readonly trace: Trace;
  readonly hosts: number;
  /** Size of each host; by default such that the VMs fill half of the CPU and 70 % of the memory. */
  readonly hostCores?: number;
  readonly hostMemoryBytes?: number;
  /** Second of the recording at which the run begins. */
  readonly fromSecond: number;
}

/**
 * Equal hosts with the VMs of a recording dealt out one by one, each to the next host that has the
 * memory. Throws SimulationInputError when they do not fit.
 */
export function traceCluster(options: TraceClusterOptions): ClusterModel {
  const { trace, fromSecond } = options;
  const hosts = hostsFor(options);
  const free = hosts.map((host) => host.memoryCapacityBytes - host.reservedMemoryBytes);
  let next = 0;
  const vms = trace.vms.map((vm, index): ModelVm => {
    const host = firstWithRoom(free, vm.memoryBytes, next);
    if (host === undefined) throw tooSmall(trace, hosts);
    free[host] = (free[host] ?? 0) - vm.memoryBytes;
    next = (host + 1) % hosts.length;
    return {
      name: vm.name,
      host: hosts[host]?.name ?? "",
      cpuCores: trace.cpuCoresAt(index, fromSecond),
      memoryBytes: vm.memoryBytes,
      diskBytes: 0,
      vcpus: vm.vcpus,
      dirtyBytesPerSecond: 0,
    };
  });
  return { hosts, vms };
}

function tooSmall(trace: Trace, hosts: readonly ModelHost[]): SimulationInputError {
  const needed = trace.vms.reduce((sum, vm) => sum + vm.memoryBytes, 0) / gibibyte;
  const size = (hosts[0]?.memoryCapacityBytes ?? 0) / gibibyte;
  return new SimulationInputError(
    `its VMs may have ${Math.ceil(needed)} GiB together, which do not fit on ${hosts.length} hosts of ` +
      `${Math.floor(size)} GiB: give these more memory, or take more of them`,
  );
}

function hostsFor({ trace, hosts, hostCores, hostMemoryBytes }: TraceClusterOptions): ModelHost[] {
  const cpuCapacityCores = hostCores ?? defaultCores(trace, hosts);
  const memoryCapacityBytes = hostMemoryBytes ?? defaultMemory(trace, hosts);
  return Array.from({ length: hosts }, (_, index) => ({
    name: `host-${index + 1}`,
    cpuCapacityCores,
    memoryCapacityBytes,
    reservedMemoryBytes: Math.min(reservedMemoryBytes, memoryCapacityBytes),
  }));
}

/** No VM is larger than its host. */
function defaultCores(trace: Trace, hosts: number): number {
  let demand = 0;
  let largest = 1;
  for (const [index, vm] of trace.vms.entries()) {
    largest = Math.max(largest, vm.vcpus);
    for (let look = 0; look < looks; look++) {
      demand += trace.cpuCoresAt(index, (look / looks) * trace.seconds) / looks;
    }
  }
  return Math.max(largest, Math.ceil(demand / hosts / cpuShareByDefault));
}

function defaultMemory(trace: Trace, hosts: number): number {
  let total = 0;
  let largest = 0;
  for (const { memoryBytes } of trace.vms) {
    total += memoryBytes;
    largest = Math.max(largest, memoryBytes);
  }
  const wanted = Math.max(total / hosts / memoryShareByDefault, largest / memoryShareByDefault);
  return Math.ceil((wanted + reservedMemoryBytes) / gibibyte) * gibibyte;
}

function firstWithRoom(
  free: readonly number[],
  memoryBytes: number,
  start: number,
): number | undefined {
  for (let tries = 0; tries < free.length; tries++) {
    const host = (start + tries) % free.length;
    if ((free[host] ?? 0) >= memoryBytes) return host;
  }
  return undefined;
}
