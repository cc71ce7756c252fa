import type { MoveId, VmName } from "./ids.ts";

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

export interface CopyReport {
  readonly vm: VmName;
  readonly state: CopyState;
  /** The move that made or last touched this copy; null for one that was started here. */
  readonly moveId: MoveId | null;
  /** The admin made it with the hypervisor's own tools, and evenkeel has never touched it. */
  readonly foreign?: true;
}

/** True when the guest's processors advance in this copy. */
export function copyRuns(state: CopyState): boolean {
  return state === "running" || state === "sending";
}
