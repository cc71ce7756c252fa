/** A move at either end, one call of the port each. What is decided is decided by the core. */
import type { MigrateOutEnd, MigrateOutOrder } from "#agent/ports/hypervisor.ts";
import type { MoveOffer, MoveVerdict } from "#lib/model/host-op.ts";
import type { HostId, MoveId, VmName } from "#lib/model/ids.ts";
import type { VmSpec } from "#lib/model/vm-spec.ts";
import { HypervisorError } from "../hypervisor-error.ts";
import { copyStateOf, isTransferring, type MonitorState } from "./copy-state.ts";
import { absent, type Guest } from "./guest.ts";
import { clearedFor, type LifeParts, machineTypeOf, refuseSpec } from "./guest-life.ts";
import type { GuestRecord } from "./guest-record.ts";
import { exists } from "./guest-table.ts";
import { allocateMemory, memoryPathFor } from "./memory-file.ts";
import { listenForStream } from "./migration-in.ts";
import { cancelTransfer, MigrationOut } from "./migration-out.ts";
import { offerObjection } from "./offer-objection.ts";
import { announceGuest, runGuest } from "./run-guest.ts";
import { sleep } from "./sleep.ts";
import { removeProofs, writeProof } from "./storage-proof.ts";

/** After the death of the agent that carried it, a stream breaks within ms; then the state is read. */
const VERDICT_WAIT_MS = 5_000;
const VERDICT_POLL_MS = 50;
/** Run states in which a move leaves the copy at its source (qapi/run-state). */
const settledRunStates: ReadonlySet<string> = new Set(["postmigrate", "paused"]);

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

export async function admitGuest(
  parts: LifeParts,
  moveId: MoveId,
  offer: MoveOffer,
): Promise<string | null> {
  const { name } = offer.spec;
  const objection = await offerObjection(parts, moveId, offer);
  if (objection !== null) return `VM ${name} cannot come here: ${objection}`;
  try {
    await clearedFor(parts, name);
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

export async function prepareCopy(
  parts: LifeParts,
  order: { moveId: MoveId; spec: VmSpec; source: HostId; machineType: string | undefined },
): Promise<string> {
  const { moveId, spec, source } = order;
  await refuseSpec(parts, spec);
  const paths = await clearedFor(parts, spec.name);
  const memoryPath = memoryPathFor(spec.name, paths.folder, parts.settings.memoryDirectory);
  await allocateMemory(memoryPath, spec);
  const machineType = order.machineType ?? machineTypeOf(parts.facts, spec);
  const guest = await parts.table.launch(
    { spec, role: "incoming", moveId, peer: source, machineType, memoryPath },
    parts.facts,
  );
  try {
    await listenForStream(guest);
  } catch (error) {
    await parts.table.kill(guest);
    throw error;
  }
  return paths.incoming;
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

export async function runCopy(parts: LifeParts, moveId: MoveId, vm: VmName): Promise<void> {
  const guest = await copyOfMove(parts, moveId, vm);
  const state = await guest.stateOrAbsent();
  if (state === "running" && guest.record.role === "own") return;
  if (state !== "received" && state !== "running") throw wrongState(guest, `run while ${state}`);
  if (state === "received") await runGuest(guest);
  await guest.note({ role: "own" });
  await announceGuest(guest);
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

export async function discardCopy(parts: LifeParts, moveId: MoveId, vm: VmName): Promise<void> {
  const guest = await parts.table.living(vm);
  if (guest === undefined || guest.record.moveId !== moveId) return;
  await removeProofs(guest.record.spec);
  await parts.table.kill(guest);
}

/** Reads what QEMU left of a move at its source. Waits, within a bound, for a stream to break. */
export async function verdictOf(
  parts: LifeParts,
  moveId: MoveId,
  vm: VmName,
): Promise<MoveVerdict> {
  const { clock } = parts.settings;
  const endMs = clock.nowMs() + VERDICT_WAIT_MS;
  for (;;) {
    const guest = await parts.table.living(vm);
    if (guest === undefined) return "gone";
    const state = await guest.monitorState().catch(() => undefined);
    if (state !== undefined && !isTransferring(state.migration)) {
      return settledVerdict(guest.record, state, moveId);
    }
    if (clock.nowMs() > endMs) return "in-doubt";
    await sleep(VERDICT_POLL_MS, clock);
  }
}

/**
 * What a copy without a transfer under way says about the move. At the source `open` is a copy that
 * was sent, at the target one that is whole and never ran; `aborted` is a copy that runs.
 */
export function settledVerdict(
  record: Pick<GuestRecord, "role" | "moveId">,
  monitor: MonitorState,
  moveId: MoveId,
): MoveVerdict {
  const ofMove = record.moveId === moveId;
  if (record.role === "suspending" || record.role === "resuming") return "in-doubt";
  if (record.role === "incoming" && !ofMove) return "in-doubt";
  switch (copyStateOf(monitor, record.role)) {
    case "running":
      return "aborted";
    case "received":
      return "open";
    case "sent":
    case "paused":
      // An I/O error and the like pause a guest, too: that is nothing a move left behind.
      return ofMove && settledRunStates.has(monitor.runState) ? "open" : "in-doubt";
    default:
      return "in-doubt";
  }
}

export async function copyOfMove(parts: LifeParts, moveId: MoveId, vm: VmName): Promise<Guest> {
  const guest = await livingOrAbsent(parts, vm);
  if (guest.record.moveId === moveId) return guest;
  throw exists(vm, `as a copy of ${guest.record.moveId ?? "no move"}, not of ${moveId}`);
}

async function livingOrAbsent({ table }: LifeParts, vm: VmName): Promise<Guest> {
  const guest = await table.living(vm);
  if (guest === undefined) throw absent(vm);
  return guest;
}

function wrongState(guest: Guest, what: string): HypervisorError {
  return new HypervisorError(`VM ${guest.vm} cannot be ${what}`, { code: "VM_STATE" });
}
