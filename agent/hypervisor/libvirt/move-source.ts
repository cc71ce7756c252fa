/** The source's end of a move, one call of the port each. What is decided is decided by the core. */
import type { MigrateOutEnd, MigrateOutOrder } from "#agent/ports/hypervisor.ts";
import type { MoveOffer } from "#lib/model/host-op.ts";
import type { MoveId, VmName } from "#lib/model/ids.ts";
import type { VmSpec } from "#lib/model/vm-spec.ts";
import { HypervisorError } from "../hypervisor-error.ts";
import { sleep } from "../sleep.ts";
import { writeProof } from "../storage-proof.ts";
import { type DomainLook, hasProcess, isRunning } from "./domain-state.ts";
import { withDisks } from "./fit-domain.ts";
import { absent } from "./libvirt-life.ts";
import type { LibvirtParts } from "./libvirt-parts.ts";
import { MigrateOut } from "./migrate-out.ts";
import { placeObjection } from "./move-folder.ts";
import { isJobActive } from "./settled-look.ts";
import { freshRecord } from "./vm-record.ts";

const CANCEL_MS_MAX = 20_000;
const LOOK_INTERVAL_MS = 100;

export async function offerDomain(
  parts: LibvirtParts,
  moveId: MoveId,
  spec: VmSpec,
): Promise<MoveOffer> {
  await living(parts, spec.name);
  const { obstacle, needs, machineType } = await parts.fits.look(spec.name);
  if (obstacle !== null) {
    const words = `VM ${spec.name} cannot be moved: ${obstacle}`;
    throw new HypervisorError(words, { code: "VM_STATE" });
  }
  const closed = await placeObjection(parts.settings, parts.place);
  if (closed !== null) {
    throw new HypervisorError(`VM ${spec.name} cannot be moved: ${closed}`, { code: "VM_STATE" });
  }
  const { version, accelerator, machineTypes } = parts.facts;
  return {
    spec,
    hypervisorVersion: version,
    accelerator,
    machineType: machineType ?? machineTypes.get(spec.machine) ?? spec.machine,
    storageNonce: await writeProof(moveId, withDisks(spec, needs)),
    needs,
    ...(parts.place === "agent" && { sockets: parts.place }),
  };
}

export async function sendDomain(
  parts: LibvirtParts,
  order: MigrateOutOrder,
  signal: AbortSignal,
): Promise<MigrateOutEnd> {
  const { vm, moveId } = order;
  const look = await living(parts, vm);
  if (!isRunning(look)) {
    const words = `VM ${vm} cannot be moved while libvirt shows it paused`;
    throw new HypervisorError(words, { code: "VM_STATE" });
  }
  const record = (await parts.records.read(vm)) ?? freshRecord;
  const fit = await parts.fits.known(vm);
  const copies = fit?.needs.copies.map(({ path }) => path) ?? [];
  await parts.records.write(vm, { ...record, moveId, role: "out", copies });
  parts.sending.add(vm);
  try {
    return await new MigrateOut(parts, order).run(signal);
  } catch (error) {
    await keepImages(parts, vm);
    throw error;
  } finally {
    parts.sending.delete(vm);
  }
}

/** Stops a transfer under way and waits for its end. No-op without one. */
export async function cancelTransfer(parts: LibvirtParts, vm: VmName): Promise<void> {
  const { clock } = parts.settings;
  const endMs = clock.nowMs() + CANCEL_MS_MAX;
  while (await isJobActive(parts, vm)) {
    // It answers "ok" also where it does nothing any more: what counts is what is read after it.
    await parts.ordering.ask(["domjobabort", vm]).catch(() => undefined);
    if (clock.nowMs() > endMs) {
      const words = `VM ${vm}: the transfer does not stop within ${CANCEL_MS_MAX} ms`;
      throw new HypervisorError(words, { code: "TIMED_OUT" });
    }
    await sleep(LOOK_INTERVAL_MS, clock);
  }
}

/** Lets a copy run on that libvirt left paused when it died itself. */
export async function takeDomainBack(
  parts: LibvirtParts,
  moveId: MoveId,
  vm: VmName,
): Promise<void> {
  await cancelTransfer(parts, vm);
  const look = await living(parts, vm);
  await keepImages(parts, vm);
  if (isRunning(look)) return;
  const record = await parts.records.read(vm);
  if (record?.moveId !== moveId || record.role !== "out") {
    const words = `VM ${vm} is paused, and not by the move ${moveId}: it is not resumed`;
    throw new HypervisorError(words, { code: "VM_STATE" });
  }
  await parts.ordering.ask(["resume", vm]);
}

/** It stays here, or may: nothing of it is worthless. */
async function keepImages({ records }: LibvirtParts, vm: VmName): Promise<void> {
  const record = await records.read(vm);
  if (record?.copies === undefined) return;
  const { copies: _copies, ...rest } = record;
  await records.write(vm, rest);
}

async function living(parts: LibvirtParts, vm: VmName): Promise<DomainLook> {
  const look = await parts.table.look(vm);
  if (look === undefined || !hasProcess(look)) throw absent(vm);
  return look;
}
