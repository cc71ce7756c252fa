import type { HostLoad } from "#lib/model/load.ts";
import type { Clock } from "../ports/clock.ts";
import type { Hypervisor, VmUsage } from "../ports/hypervisor.ts";
import type { LoadSample, LoadSampler } from "../ports/load-sampler.ts";
import type { CpuTicks } from "./parse-proc.ts";
import type { MachineSample, ProcSampler } from "./proc-sampler.ts";
import { grownPerSecond, guestCpuCores, vmDemands } from "./vm-demand.ts";

/** Under this the tick of /proc/stat (10 ms) is too coarse for a figure. */
const ELAPSED_MS_MIN = 100;

/** Capacity by configuration; null to measure. */
export interface ConfiguredCapacity {
  readonly cpuCores: number | null;
  readonly memoryBytes: number | null;
}

export interface HostLoadSamplerOptions {
  readonly hypervisor: Pick<Hypervisor, "usage">;
  readonly machine: Pick<ProcSampler, "sample">;
  readonly clock: Pick<Clock, "nowMs">;
  /**
   * Where it is set the machine is taken to be shared with other agents: /proc shows all of them
   * at once, so only own guests count, and pressure, which cannot be told apart, is null.
   */
  readonly capacity: ConfiguredCapacity;
}

/** One look at all counters. */
interface Look {
  readonly atMs: number;
  readonly machine: MachineSample;
  readonly usage: readonly VmUsage[];
}

/** Measures between calls: the host from /proc, the guests from the hypervisor's counters. */
export class HostLoadSampler implements LoadSampler {
  readonly #options: HostLoadSamplerOptions;
  #before: Look | undefined;

  constructor(options: HostLoadSamplerOptions) {
    this.#options = options;
  }

  /**
   * Undefined at the first call, when called again too soon, and while the host's own figures
   * cannot be had. Rejects with HypervisorError when the guests' counters cannot be read.
   */
  async sample(): Promise<LoadSample | undefined> {
    const before = this.#before;
    const now = await this.#look();
    if (before !== undefined && now.atMs - before.atMs < ELAPSED_MS_MIN) return undefined;
    this.#before = now;
    if (before === undefined) return undefined;
    const host = hostLoad({ before, now, capacity: this.#options.capacity });
    if (host === undefined) return undefined;
    return { host, vms: vmDemands(before.usage, now.usage, now.atMs - before.atMs) };
  }

  async #look(): Promise<Look> {
    const { hypervisor, machine, clock } = this.#options;
    const [sample, usage] = await Promise.all([machine.sample(), hypervisor.usage()]);
    return { atMs: clock.nowMs(), machine: sample, usage };
  }
}

interface HostLoadFacts {
  readonly before: Look;
  readonly now: Look;
  readonly capacity: ConfiguredCapacity;
}

function hostLoad(facts: HostLoadFacts): HostLoad | undefined {
  const cpu = cpuFigures(facts);
  const memory = memoryFigures(facts);
  if (cpu === undefined || memory === undefined) return undefined;
  const { cpuCores, memoryBytes } = facts.capacity;
  const isShared = cpuCores !== null || memoryBytes !== null;
  if (isShared) return { ...cpu, ...memory, ...unknownNetwork, pressure: null };
  return { ...cpu, ...memory, ...networkFigures(facts), pressure: facts.now.machine.pressure };
}

const unknownNetwork = { networkCapacityBytesPerSecond: null, otherNetworkBytesPerSecond: null };

/** What the host's links carry beyond the guests' own traffic; a guest's that nobody counts is in it. */
function networkFigures({ before, now }: HostLoadFacts) {
  const elapsedMs = now.atMs - before.atMs;
  const [last, network] = [before.machine.network, now.machine.network];
  const grown = grownPerSecond(last?.bytes ?? null, network?.bytes ?? null, elapsedMs);
  if (network === null || grown === null) return unknownNetwork;
  const guests = vmDemands(before.usage, now.usage, elapsedMs);
  const guestBytes = guests.reduce((sum, { load }) => sum + (load.networkBytesPerSecond ?? 0), 0);
  return {
    networkCapacityBytesPerSecond: network.capacityBytesPerSecond,
    // Below zero when guests talk to each other: that traffic never leaves the host.
    otherNetworkBytesPerSecond: Math.max(grown - guestBytes, 0),
  };
}

function cpuFigures({ before, now, capacity }: HostLoadFacts) {
  if (capacity.cpuCores !== null) return { cpuCapacityCores: capacity.cpuCores, otherCpuCores: 0 };
  const busyCores = busyBetween(before.machine.cpu, now.machine.cpu);
  if (now.machine.cpu === null || busyCores === undefined) return undefined;
  const guestCores = guestCpuCores(before.usage, now.usage, now.atMs - before.atMs);
  return {
    cpuCapacityCores: now.machine.cpu.cpuCount,
    otherCpuCores: Math.max(busyCores - guestCores, 0),
  };
}

/** Mean number of busy processors; from ticks alone, so a late sample does not distort it. */
function busyBetween(before: CpuTicks | null, now: CpuTicks | null): number | undefined {
  if (before === null || now === null) return undefined;
  const totalTicks = now.totalTicks - before.totalTicks;
  const busyTicks = now.busyTicks - before.busyTicks;
  // Counters fall when a processor goes off line: there is no figure for that interval.
  if (totalTicks <= 0 || busyTicks < 0) return undefined;
  return (busyTicks / totalTicks) * now.cpuCount;
}

/** The host's own need is what is in use and neither given back on demand nor a guest's. */
function memoryFigures({ now, capacity }: HostLoadFacts) {
  if (capacity.memoryBytes !== null) {
    return { memoryCapacityBytes: capacity.memoryBytes, reservedMemoryBytes: 0 };
  }
  const { memory } = now.machine;
  if (memory === null) return undefined;
  const guestBytes = now.usage.reduce((sum, { residentBytes }) => sum + residentBytes, 0);
  const inUseBytes = memory.totalBytes - memory.availableBytes;
  return {
    memoryCapacityBytes: memory.totalBytes,
    reservedMemoryBytes: Math.max(inUseBytes - guestBytes, 0),
  };
}
