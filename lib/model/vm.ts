import type { HostId, MoveId, VmName } from "./ids.ts";
import type { VmLoad } from "./load.ts";
import type { VmPolicy, VmSpec } from "./vm-spec.ts";

/**
 * What a VM is, as its owner tells the others.
 * `paused` holds its memory on the host without running; `suspended` is on disk; `migrating` runs
 * here while its memory is copied; `frozen` waits, paused, for the end of a move; `in-doubt` waits
 * for the other end of a move or for the operator; `lost` had its only copy killed.
 */
export type VmState =
  | "stopped"
  | "starting"
  | "running"
  | "paused"
  | "suspending"
  | "suspended"
  | "resuming"
  | "migrating"
  | "frozen"
  | "in-doubt"
  | "lost";

/** What the owner wants of the VM, kept over restarts of the agent. */
export type DesiredState = "running" | "stopped" | "suspended";

/** The owner record: exactly one host holds it, and only its holder may run the VM. */
export interface OwnedVm {
  readonly spec: VmSpec;
  /** Rises by one with every change of owner; never falls. */
  readonly version: number;
  readonly desired: DesiredState;
  /** Moves that followed one another closely, for the growing cool-down. */
  readonly recentMoves: number;
}

/** One VM in the inventory that its owner gossips. */
export interface VmEntry {
  readonly name: VmName;
  readonly version: number;
  readonly state: VmState;
  readonly vcpus: number;
  /** Memory that the VM is entitled to, counted against a host's capacity. */
  readonly memoryBytes: number;
  readonly load: VmLoad | null;
  readonly policy: VmPolicy;
  /** The unfinished action, if any. */
  readonly move: MoveId | null;
  readonly moveTarget: HostId | null;
  /** Why the balancer cannot move it, in words; null when it can. */
  readonly immovable: string | null;
}
