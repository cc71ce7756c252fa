/** The target's end of a move, one call of the port each. What is decided is decided by the core. */
import { rm } from "node:fs/promises";
import type { IncomingDoor } from "#agent/ports/channel.ts";
import type { MoveOffer } from "#lib/model/host-op.ts";
import type { MoveId, VmName } from "#lib/model/ids.ts";
import type { DiskCopyNeed } from "#lib/model/move-needs.ts";
import type { VmSpec } from "#lib/model/vm-spec.ts";
import { HypervisorError } from "../hypervisor-error.ts";
import { machineObjection } from "../machine-objection.ts";
import { specObjection } from "../spec-objection.ts";
import { proofObjection } from "../storage-proof.ts";
import { WakeUp } from "../wake-up.ts";
import { copiesObjection, fullness, makeImage, removeImages } from "./copied-images.ts";
import { copyStateOf, hasGoodImage, hasProcess, wasMigrated } from "./domain-state.ts";
import { withDisks } from "./fit-domain.ts";
import { needsObjection } from "./fit-target.ts";
import { destroy, exists, libvirtObjection, refuseSpec, undefine } from "./libvirt-life.ts";
import { seenPath } from "./libvirt-options.ts";
import type { LibvirtParts } from "./libvirt-parts.ts";
import { placeObjection } from "./move-folder.ts";
import { daemonSocket, diskSocket, moveSocket, seenSockets } from "./move-paths.ts";
import { freshRecord } from "./vm-record.ts";

const LOOK_INTERVAL_MS = 250;
/** A host takes in one VM at a time; more than this are offers that came to nothing. */
const ADMITTED_MAX = 64;

export async function admitDomain(
  parts: LibvirtParts,
  moveId: MoveId,
  offer: MoveOffer,
): Promise<string | null> {
  const { name } = offer.spec;
  const { settings, admitted } = parts;
  const copies = offer.needs?.copies ?? [];
  const place = offer.sockets ?? "libvirt";
  const coming = copies.map(({ path }) => path);
  const proven = withDisks(offer.spec, offer.needs);
  const objection =
    machineObjection(offer, parts.facts) ??
    libvirtObjection(offer.spec) ??
    (await specObjection(offer.spec, settings, coming)) ??
    (await needsObjection(parts, offer.needs)) ??
    (await copiesObjection(settings, copies)) ??
    (await placeObjection(settings, place)) ??
    (await proofObjection(moveId, proven, offer.storageNonce));
  if (objection !== null) return `VM ${name} cannot come here: ${objection}`;
  const occupant = await definitionOf(parts, name);
  if (occupant !== null) return `VM ${name} is here already: ${occupant}`;
  if (admitted.size >= ADMITTED_MAX) admitted.clear();
  admitted.set(moveId, { copies, place });
  return null;
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
  const { settings, records, awaited, admitted } = parts;
  const { copies, place } = admitted.get(moveId) ?? { copies: [], place: "libvirt" };
  admitted.delete(moveId);
  const coming = copies.map(({ path }) => path);
  await refuseSpec(parts, spec, coming);
  const occupant = await definitionOf(parts, spec.name);
  if (occupant !== null) throw exists(spec.name, occupant);
  const before = await records.read(spec.name);
  if (before?.role === "in") await removeImages(settings, before.copies ?? []);
  await undefine(parts, spec.name);
  const socketPath = seenPath(settings, moveSocket(moveId, place));
  await removeSockets(parts, moveId);
  await records.write(spec.name, { ...freshRecord, moveId, role: "in" });
  await makeImages(parts, { moveId, vm: spec.name, copies });
  awaited.add(spec.name);
  const door = { socketPath, controlPath: daemonSocket(settings) };
  return copies.length === 0
    ? door
    : { ...door, diskPath: seenPath(settings, diskSocket(moveId, place)) };
}

/** Each is in the record before it is there, so that a discard clears it away in any case. */
async function makeImages(
  { settings, records }: LibvirtParts,
  { moveId, vm, copies }: { moveId: MoveId; vm: VmName; copies: readonly DiskCopyNeed[] },
): Promise<void> {
  const made = new Set<string>();
  for (const copy of copies) {
    await makeImage(settings, copy, (isOurs) => {
      if (isOurs) made.add(copy.path);
      else made.delete(copy.path);
      return records.write(vm, { ...freshRecord, moveId, role: "in", copies: [...made] });
    });
  }
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
      if (begun && state !== "receiving") {
        const words = await fullness(parts.settings, record.copies ?? []).catch(() => null);
        throw failed(vm, words ?? "the migration ended before it was whole");
      }
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
  // Before it runs: from now on the images are the VM's own, and no discard may take them.
  const { copies, ...rest } = record;
  if (copies !== undefined) await parts.records.write(vm, rest);
  if (state === "received") await parts.ordering.ask(["resume", vm]);
  if (record.role !== "own") await parts.records.write(vm, { ...rest, role: "own" });
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
  const look = await parts.table.look(vm);
  // At the source only what libvirt itself gave away is worthless: the target has all of it.
  const isHandedOver = look === undefined || wasMigrated(look);
  const isWorthless = record.role === "in" || (record.role === "out" && isHandedOver);
  await destroy(parts, vm);
  if (isWorthless) await removeImages(parts.settings, record.copies ?? []);
  await undefine(parts, vm);
  await removeSockets(parts, moveId);
}

/** What lies in libvirt's folder may be QEMU's alone to remove: it does so as it listens, and ends. */
async function removeSockets({ settings }: LibvirtParts, moveId: MoveId): Promise<void> {
  for (const place of ["libvirt", "agent"] as const) {
    for (const socket of seenSockets(settings, moveId, place)) {
      await rm(socket, { force: true }).catch(() => undefined);
    }
  }
}

function failed(vm: VmName, words: string, cause?: unknown): HypervisorError {
  return new HypervisorError(`VM ${vm}: ${words}`, { code: "MIGRATION_FAILED", cause });
}
