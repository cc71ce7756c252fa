import type { CopyState } from "#lib/model/copy.ts";
import type { GuestRole } from "./guest-record.ts";

/** What QEMU says of itself: `query-status` and `query-migrate` (qapi/run-state, qapi/migration). */
export interface MonitorState {
  readonly runState: string;
  /** Undefined when there never was a migration. */
  readonly migration: string | undefined;
}

/** Migration statuses in which a transfer is under way. */
const TRANSFERRING: ReadonlySet<string> = new Set([
  "setup",
  "active",
  "device",
  "pre-switchover",
  "wait-unplug",
  "cancelling",
]);

export function isTransferring(migration: string | undefined): boolean {
  return migration !== undefined && TRANSFERRING.has(migration);
}

/** The state of a copy that has a process, in the words of the model. */
export function copyStateOf({ runState, migration }: MonitorState, role: GuestRole): CopyState {
  // While it is saved, a guest's stream goes to the disk and no move is concerned.
  if (role === "suspending") return runState === "running" ? "running" : "paused";
  switch (runState) {
    case "running":
      return isTransferring(migration) ? "sending" : "running";
    case "finish-migrate":
      return "sending";
    case "postmigrate":
      return "sent";
    case "inmigrate":
      return "receiving";
    default:
      if (role === "incoming") return migration === "completed" ? "received" : "receiving";
      return isTransferring(migration) ? "sending" : "paused";
  }
}
