import type { HostId, VmName } from "../model/ids.ts";
import type { VmLoad } from "../model/load.ts";
import type { VmPolicy } from "../model/vm-spec.ts";

/** What the planner knows of a VM: running, with no unfinished action, and its load measured. */
export interface VmFigures {
  readonly vm: VmName;
  /** Smoothed, not the last sample (load-estimate.ts). */
  readonly load: VmLoad;
  /** Usual deviation of a CPU sample from the smoothed load, as a share of it (0..); if measured. */
  readonly cpuNoiseShare?: number | undefined;
  /** Memory that the VM is entitled to. */
  readonly memoryBytes: number;
  readonly policy: VmPolicy;
  /** Why it cannot be moved at all, in words; null when it can. */
  readonly immovable: string | null;
  /** Hosts that said of late that they cannot take it, each with why; absent for none. */
  readonly barred?: ReadonlyMap<HostId, string> | undefined;
  /** Other VMs of its affinity group on the same host, by name; if known. */
  readonly companions?: readonly VmName[] | undefined;
  /** Another host that holds more of its affinity group; null or absent for none. */
  readonly gatherAt?: { readonly host: HostId; readonly name: string } | null | undefined;
  /** Monotonic ms until which it rests after a move; 0 for none. */
  readonly cooldownUntilMs: number;
}

/** True while the planner may think of moving it at all. */
export function mayLeave(
  {
    immovable,
    policy,
    cooldownUntilMs,
  }: Pick<VmFigures, "immovable" | "policy" | "cooldownUntilMs">,
  nowMs: number,
): boolean {
  return immovable === null && isOurs(policy) && cooldownUntilMs <= nowMs;
}

/** False for a VM that its admin keeps from the balancer. */
export function isOurs({ ignore, managed }: VmPolicy): boolean {
  return !ignore && managed !== false;
}
