/** The source's end of a move, one call of the port each. What is decided is decided by the core. */
import type { MigrateOutEnd, MigrateOutOrder } from "#agent/ports/hypervisor.ts";
import type { MoveOffer } from "#lib/model/host-op.ts";
import type { MoveId, VmName } from "#lib/model/ids.ts";
import type { VmSpec } from "#lib/model/vm-spec.ts";
import { removeProofs, writeProof } from "../storage-proof.ts";
import type { LifeParts } from "./guest-life.ts";
import { cancelTransfer, MigrationOut } from "./migration-out.ts";
import { livingOrAbsent, wrongState } from "./move-copy.ts";
import { announceGuest, runGuest } from "./run-guest.ts";

export async function offerGuest(
  parts: LifeParts,
  moveId: MoveId,
  spec: VmSpec,
): Promise<MoveOffer> {
  const guest = await livingOrAbsent(parts, spec.name);
  const { qemuVersion, machineType } = guest.record;
  return {
    // The machine as it runs, with the policy as it is wanted now.
    spec: { ...guest.record.spec, policy: spec.policy },
    hypervisorVersion: qemuVersion,
    accelerator: parts.facts.accelerator,
    machineType,
    storageNonce: await writeProof(moveId, guest.record.spec),
  };
}

export async function sendCopy(
  parts: LifeParts,
  order: MigrateOutOrder,
  signal: AbortSignal,
): Promise<MigrateOutEnd> {
  const guest = await livingOrAbsent(parts, order.vm);
  const state = await guest.stateOrAbsent();
  if (state !== "running" && state !== "paused") {
    throw wrongState(guest, `moved while it is ${state}`);
  }
  await guest.note({ moveId: order.moveId, role: "own" });
  await removeProofs(guest.record.spec);
  const stopFirst = parts.facts.liveMigrationRefusal !== null;
  return new MigrationOut(guest, order).run(stopFirst, signal);
}

/** Stops a transfer under way; nothing else. */
export async function cancelCopy(parts: LifeParts, vm: VmName): Promise<void> {
  const guest = await parts.table.living(vm);
  if (guest === undefined || guest.record.role !== "own") return;
  await cancelTransfer(guest);
}

export async function takeCopyBack(parts: LifeParts, moveId: MoveId, vm: VmName): Promise<void> {
  const guest = await livingOrAbsent(parts, vm);
  await removeProofs(guest.record.spec);
  await cancelCopy(parts, vm);
  const state = await guest.stateOrAbsent();
  if (state === "running") return;
  const ours = guest.record.moveId === moveId && guest.record.role === "own";
  if (!ours || (state !== "sent" && state !== "paused")) {
    throw wrongState(guest, `taken back from ${moveId} while it is ${state}`);
  }
  await runGuest(guest);
  await announceGuest(guest);
}
