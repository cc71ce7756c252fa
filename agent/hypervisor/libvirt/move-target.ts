/** The target's end of a move, one call of the port each. What is decided is decided by the core. */
import { rm } from "node:fs/promises";
import type { IncomingDoor } from "#agent/ports/channel.ts";
import type { MoveOffer } from "#lib/model/host-op.ts";
import type { MoveId, VmName } from "#lib/model/ids.ts";
import type { VmSpec } from "#lib/model/vm-spec.ts";
import { HypervisorError } from "../hypervisor-error.ts";
import { machineObjection } from "../machine-objection.ts";
import { specObjection } from "../spec-objection.ts";
import { proofObjection } from "../storage-proof.ts";
import { WakeUp } from "../wake-up.ts";
import { copyStateOf, hasGoodImage, hasProcess } from "./domain-state.ts";
import { withDisks } from "./fit-domain.ts";
import { needsObjection } from "./fit-target.ts";
import { destroy, exists, libvirtObjection, refuseSpec, undefine } from "./libvirt-life.ts";
import { seenPath } from "./libvirt-options.ts";
import type { LibvirtParts } from "./libvirt-parts.ts";
import { daemonSocket, moveSocket } from "./move-paths.ts";
import { freshRecord } from "./vm-record.ts";

const LOOK_INTERVAL_MS = 250;

export async function admitDomain(
  parts: LibvirtParts,
  moveId: MoveId,
  offer: MoveOffer,
): Promise<string | null> {
  const { name } = offer.spec;
  const proven = withDisks(offer.spec, offer.needs?.disks ?? []);
  const objection =
    machineObjection(offer, parts.facts) ??
    libvirtObjection(offer.spec) ??
    (await specObjection(offer.spec, parts.settings)) ??
    (await needsObjection(parts, offer.needs)) ??
    (await proofObjection(moveId, proven, offer.storageNonce));
  if (objection !== null) return `VM ${name} cannot come here: ${objection}`;
  const occupant = await definitionOf(parts, name);
  return occupant === null ? null : `VM ${name} is here already: ${occupant}`;
}

/** What stands in the way of a copy; a definition that an earlier move left does not. */
async function definitionOf(parts: LibvirtParts, vm: VmName): Promise<string | null> {
  const look = await parts.table.look(vm);
  if (look === undefined) return null;
  if (hasProcess(look)) return "it has a process";
  const record = await parts.records.read(vm);
  if (hasGoodImage(look, record)) return "it is suspended";
  return record === undefined ? "libvirt has a domain of that name: undefine it first" : null;
}

export async function prepareDomain(
  parts: LibvirtParts,
  moveId: MoveId,
  spec: VmSpec,
): Promise<IncomingDoor> {
  const { settings, records, awaited } = parts;
  await refuseSpec(parts, spec);
  const occupant = await definitionOf(parts, spec.name);
  if (occupant !== null) throw exists(spec.name, occupant);
  await undefine(parts, spec.name);
  const socketPath = seenPath(settings, moveSocket(moveId));
  await rm(socketPath, { force: true });
  await records.write(spec.name, { ...freshRecord, moveId, role: "in" });
  awaited.add(spec.name);
  return { socketPath, controlPath: daemonSocket(settings) };
}

/** Resolves when the copy is whole: paused by the user's flag, and persistent. */
export async function domainReceived(
  parts: LibvirtParts,
  { moveId, vm }: { readonly moveId: MoveId; readonly vm: VmName },
  signal: AbortSignal,
): Promise<void> {
  const { clock } = parts.settings;
  const wakeUp = new WakeUp();
  const wake = () => wakeUp.now();
  const unlisten = parts.events.listen(wake);
  signal.addEventListener("abort", wake);
  try {
    for (let begun = false; ; ) {
      if (signal.aborted) throw failed(vm, "nobody waits for its stream any longer", signal.reason);
      const record = await parts.records.read(vm);
      if (record?.moveId !== moveId || record.role !== "in") {
        throw new HypervisorError(`VM ${vm} waits for no stream here`, { code: "VM_ABSENT" });
      }
      const look = await parts.table.look(vm);
      const state = look && copyStateOf(look, record, false);
      if (state === "received") return;
      if (begun && state !== "receiving")
        throw failed(vm, "the migration ended before it was whole");
      begun ||= state === "receiving";
      await wakeUp.within(LOOK_INTERVAL_MS, clock);
    }
  } finally {
    unlisten();
    signal.removeEventListener("abort", wake);
    parts.awaited.delete(vm);
  }
}

export async function runDomain(parts: LibvirtParts, moveId: MoveId, vm: VmName): Promise<void> {
  const record = await parts.records.read(vm);
  const look = await parts.table.look(vm);
  if (look === undefined || !hasProcess(look) || record?.moveId !== moveId) {
    throw new HypervisorError(`VM ${vm} has no copy of ${moveId} here`, { code: "VM_ABSENT" });
  }
  const state = copyStateOf(look, record, false);
  if (state !== "received" && state !== "running") {
    throw new HypervisorError(`VM ${vm} cannot be run while ${state}`, { code: "VM_STATE" });
  }
  if (state === "received") await parts.ordering.ask(["resume", vm]);
  if (record.role !== "own") await parts.records.write(vm, { ...record, role: "own" });
}

/** Kills the copy of this move and undefines it; another move's, and none, are left alone. */
export async function discardDomain(
  parts: LibvirtParts,
  moveId: MoveId,
  vm: VmName,
): Promise<void> {
  const record = await parts.records.read(vm);
  if (record?.moveId !== moveId) return;
  parts.awaited.delete(vm);
  await destroy(parts, vm);
  await undefine(parts, vm);
  await rm(seenPath(parts.settings, moveSocket(moveId)), { force: true });
}

function failed(vm: VmName, words: string, cause?: unknown): HypervisorError {
  return new HypervisorError(`VM ${vm}: ${words}`, { code: "MIGRATION_FAILED", cause });
}
