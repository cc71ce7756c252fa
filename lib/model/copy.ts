import type { MoveId, VmName } from "./ids.ts";
import type { VmPolicy } from "./vm-spec.ts";

/**
 * One copy of a VM as the hypervisor on this host shows it, whatever any journal says.
 * - running, paused: a plain copy.
 * - sending: runs here while a migration out is active.
 * - sent: the migration out is completed, the copy is paused (QEMU: postmigrate).
 * - receiving: a migration in is active or awaited (QEMU: inmigrate).
 * - received: the migration in is completed, the copy is paused.
 * - suspended: no process; a good image on the local disk.
 * - stale: no process; an image that must not be resumed (consumed, or of another generation).
 * - defined: no process, the hypervisor knows the VM (libvirt).
 */
export type CopyState =
  | "running"
  | "paused"
  | "sending"
  | "sent"
  | "receiving"
  | "received"
  | "suspended"
  | "stale"
  | "defined";

/** The policy that the hypervisor's own tools show of a VM. */
export interface ShownPolicy {
  /** Null where there is none, or none that can be read. */
  readonly policy: VmPolicy | null;
  /** Somebody else has written it since evenkeel last did. */
  readonly isEdited: boolean;
  /** Why it cannot be read, with the remedy; null when it can. */
  readonly problem: string | null;
}

export interface CopyReport {
  readonly vm: VmName;
  readonly state: CopyState;
  /** The move that made or last touched this copy; null for one that was started here. */
  readonly moveId: MoveId | null;
  /** The admin made it with the hypervisor's own tools, and evenkeel has never touched it. */
  readonly foreign?: true;
  /** Missing where the hypervisor keeps no policies. */
  readonly policy?: ShownPolicy;
  /** Why no host can take this copy as it is, in words with the remedy; absent when some may. */
  readonly obstacle?: string;
  /** Bytes of local disks that go along when it moves; absent for none. */
  readonly copiedBytes?: number;
}

/** True when the guest's processors advance in this copy. */
export function copyRuns(state: CopyState): boolean {
  return state === "running" || state === "sending";
}
