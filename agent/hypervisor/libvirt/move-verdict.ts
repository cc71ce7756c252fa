import type { MoveVerdict } from "#lib/model/host-op.ts";
import type { MoveId, VmName } from "#lib/model/ids.ts";
import {
  copyStateOf,
  type DomainLook,
  hasProcess,
  isRunning,
  wasMigrated,
} from "./domain-state.ts";
import type { LibvirtParts } from "./libvirt-parts.ts";
import { settledLook } from "./settled-look.ts";
import type { VmRecord } from "./vm-record.ts";

/** Longer than a broken migration takes to end by itself. */
const VERDICT_MS_MAX = 10_000;

/** What a move has left here: read, never chosen. Rejects while libvirtd does not answer. */
export async function libvirtVerdict(
  parts: LibvirtParts,
  moveId: MoveId,
  vm: VmName,
): Promise<MoveVerdict> {
  const record = await parts.records.read(vm);
  const isIncoming = record?.role === "in";
  const look = isIncoming
    ? await parts.table.look(vm)
    : await settledLook(parts, vm, VERDICT_MS_MAX);
  return verdictOn(look, record, moveId);
}

/** Pure; exported for tests. `look`: the domain without a job, undefined for none. */
export function verdictOn(
  look: DomainLook | undefined,
  record: VmRecord | undefined,
  moveId: MoveId,
): MoveVerdict {
  const ofMove = record?.moveId === moveId;
  const wasSent = ofMove && record.role === "out";
  // Only libvirt's own hand-over undefines a domain that we were sending.
  if (look === undefined) return wasSent ? "committed" : "gone";
  // Shut off for another reason it may have run on after a lost answer, and ended: not handed over.
  if (!hasProcess(look)) return wasSent && wasMigrated(look) ? "committed" : "gone";
  if (isRunning(look)) return record?.role === "in" && !ofMove ? "in-doubt" : "aborted";
  const state = copyStateOf(look, record, false);
  return ofMove && (state === "received" || state === "sent") ? "open" : "in-doubt";
}
