import type { VmName } from "#lib/model/ids.ts";
import type { VmLoad } from "#lib/model/load.ts";
import type { VmUsage } from "../ports/hypervisor.ts";

const NS_PER_MS = 1e6;

/** One VM's load between two looks at its counters. */
export interface VmDemand {
  readonly vm: VmName;
  readonly load: VmLoad;
}

/**
 * Load of each VM that is in both lists, from what its counters grew in `elapsedMs` (> 0). Demand
 * is used plus waited. A VM that is new, or whose counters fell because its process is another one
 * now, has no figure yet and is left out.
 */
export function vmDemands(
  before: readonly VmUsage[],
  now: readonly VmUsage[],
  elapsedMs: number,
): VmDemand[] {
  const elapsedNs = elapsedMs * NS_PER_MS;
  const earlier = new Map(before.map((usage) => [usage.vm, usage]));
  return now.flatMap((usage) => {
    const last = earlier.get(usage.vm);
    if (last === undefined) return [];
    const usedNs = usage.cpuTimeNs - last.cpuTimeNs;
    const waitedNs = usage.runDelayNs - last.runDelayNs;
    if (usedNs < 0 || waitedNs < 0) return [];
    const load: VmLoad = {
      cpuCores: (usedNs + waitedNs) / elapsedNs,
      residentBytes: usage.residentBytes,
      dirtyBytesPerSecond: usage.dirtyBytesPerSecond,
      networkBytesPerSecond: grownPerSecond(last.networkBytes, usage.networkBytes, elapsedMs),
    };
    return [{ vm: usage.vm, load }];
  });
}

/** Null when a count is missing, or fell because the device is another one now. */
export function grownPerSecond(
  before: number | null,
  now: number | null,
  elapsedMs: number,
): number | null {
  if (before === null || now === null || now < before) return null;
  return ((now - before) / elapsedMs) * 1000;
}

/**
 * CPU that all guests together really had, in cores: their part of the machine's busy time. A guest
 * that is new, or in a new process, counts with all it used: its counters began in this interval.
 */
export function guestCpuCores(
  before: readonly VmUsage[],
  now: readonly VmUsage[],
  elapsedMs: number,
): number {
  const earlier = new Map(before.map(({ vm, cpuTimeNs }) => [vm, cpuTimeNs]));
  const usedNs = now.reduce((sum, { vm, cpuTimeNs }) => {
    const lastNs = earlier.get(vm) ?? 0;
    return sum + (cpuTimeNs >= lastNs ? cpuTimeNs - lastNs : cpuTimeNs);
  }, 0);
  return usedNs / (elapsedMs * NS_PER_MS);
}
