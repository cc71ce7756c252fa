/** The target's end of a move, one call of the port each. What is decided is decided by the core. */
import type { MoveOffer } from "#lib/model/host-op.ts";
import type { HostId, MoveId, VmName } from "#lib/model/ids.ts";
import type { VmSpec } from "#lib/model/vm-spec.ts";
import { clearedFor, type LifeParts, machineTypeOf, occupantOf, refuseSpec } from "./guest-life.ts";
import { allocateMemory, memoryPathFor } from "./memory-file.ts";
import { listenForStream } from "./migration-in.ts";
import { copyOfMove, wrongState } from "./move-copy.ts";
import { offerObjection } from "./offer-objection.ts";
import { announceGuest, runGuest } from "./run-guest.ts";

export async function admitGuest(
  parts: LifeParts,
  moveId: MoveId,
  offer: MoveOffer,
): Promise<string | null> {
  const { name } = offer.spec;
  const objection = await offerObjection(parts, moveId, offer);
  if (objection !== null) return `VM ${name} cannot come here: ${objection}`;
  const occupant = await occupantOf(parts, name);
  return occupant === null ? null : `VM ${name} is here already: ${occupant}`;
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

export async function runCopy(parts: LifeParts, moveId: MoveId, vm: VmName): Promise<void> {
  const guest = await copyOfMove(parts, moveId, vm);
  const state = await guest.stateOrAbsent();
  if (state === "running" && guest.record.role === "own") return;
  if (state !== "received" && state !== "running") throw wrongState(guest, `run while ${state}`);
  if (state === "received") await runGuest(guest);
  await guest.note({ role: "own" });
  await announceGuest(guest);
}
