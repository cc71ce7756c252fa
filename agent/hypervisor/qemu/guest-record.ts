import { rm } from "node:fs/promises";
import type { HostId, MoveId } from "#lib/model/ids.ts";
import type { VmSpec } from "#lib/model/vm-spec.ts";
import { readJson, replaceFile } from "../durable-file.ts";
import type { ProcessIdentity } from "./process-identity.ts";
import { asRecord } from "./qmp-lines.ts";

/**
 * What the process of a guest was started for, so that the next agent knows what to make of it.
 * - own: runs here by right.
 * - incoming: made to receive a move, and not yet told to run.
 * - resuming: made from a saved image, and not yet told to run.
 * - suspending: its state is being written; it ran here by right until then.
 */
export type GuestRole = "own" | "incoming" | "resuming" | "suspending";

/** guest.json: the driver's memory of one process, read again after the agent's restart. */
export interface GuestRecord {
  readonly spec: VmSpec;
  readonly role: GuestRole;
  readonly moveId: MoveId | null;
  readonly peer: HostId | null;
  readonly process: ProcessIdentity;
  readonly qemuVersion: string;
  readonly machineType: string;
  readonly memoryPath: string;
}

export async function writeGuestRecord(path: string, record: GuestRecord): Promise<void> {
  await replaceFile(path, `${JSON.stringify(record)}\n`);
}

/** The record as we wrote it (nobody else writes in this folder); undefined when there is none. */
export async function readGuestRecord(path: string): Promise<GuestRecord | undefined> {
  const value = asRecord(await readJson(path));
  if (asRecord(value?.["spec"]) === undefined || asRecord(value?.["process"]) === undefined) {
    return undefined;
  }
  return value as unknown as GuestRecord;
}

export async function removeGuestRecord(path: string): Promise<void> {
  await rm(path, { force: true });
}
