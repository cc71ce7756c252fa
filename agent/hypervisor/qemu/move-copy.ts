import type { MoveId, VmName } from "#lib/model/ids.ts";
import { HypervisorError } from "../hypervisor-error.ts";
import { removeProofs } from "../storage-proof.ts";
import { absent, type Guest } from "./guest.ts";
import type { LifeParts } from "./guest-life.ts";
import { exists } from "./guest-table.ts";

/** The copy that was made for, or last touched by, this move. */
export async function copyOfMove(parts: LifeParts, moveId: MoveId, vm: VmName): Promise<Guest> {
  const guest = await livingOrAbsent(parts, vm);
  if (guest.record.moveId === moveId) return guest;
  throw exists(vm, `as a copy of ${guest.record.moveId ?? "no move"}, not of ${moveId}`);
}

export async function livingOrAbsent({ table }: LifeParts, vm: VmName): Promise<Guest> {
  const guest = await table.living(vm);
  if (guest === undefined) throw absent(vm);
  return guest;
}

export function wrongState(guest: Guest, what: string): HypervisorError {
  return new HypervisorError(`VM ${guest.vm} cannot be ${what}`, { code: "VM_STATE" });
}

export async function discardCopy(parts: LifeParts, moveId: MoveId, vm: VmName): Promise<void> {
  const guest = await parts.table.living(vm);
  if (guest === undefined || guest.record.moveId !== moveId) return;
  await removeProofs(guest.record.spec);
  await parts.table.kill(guest);
}
