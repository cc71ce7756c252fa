/** Start, stop, suspend, resume: what becomes of a guest on its own host. */
import { rm } from "node:fs/promises";
import type { VmName } from "#lib/model/ids.ts";
import type { VmSpec } from "#lib/model/vm-spec.ts";
import { HypervisorError } from "../hypervisor-error.ts";
import { specObjection } from "../spec-objection.ts";
import type { QemuFacts } from "./facts.ts";
import { absent, type Guest } from "./guest.ts";
import { diesWithin, signalGuest } from "./guest-process.ts";
import { exists, type GuestTable } from "./guest-table.ts";
import { allocateMemory, memoryPathFor } from "./memory-file.ts";
import { needsAcpi } from "./qemu-command.ts";
import type { QemuSettings } from "./qemu-options.ts";
import { resumeGuest } from "./resume.ts";
import { readImage, removeImage, staleReason, templateDigest } from "./saved-image.ts";
import { suspendGuest } from "./suspend.ts";

/** QEMU ends by itself on SIGTERM, writing its disks out first. */
const TERMINATE_WAIT_MS = 10_000;

export interface LifeParts {
  readonly settings: QemuSettings;
  readonly table: GuestTable;
  readonly facts: QemuFacts;
}

export async function startGuest(parts: LifeParts, spec: VmSpec): Promise<void> {
  const { settings, table, facts } = parts;
  await refuseSpec(parts, spec);
  const paths = await clearedFor(parts, spec.name);
  const memoryPath = memoryPathFor(spec.name, paths.folder, settings.memoryDirectory);
  await allocateMemory(memoryPath, spec);
  const machineType = machineTypeOf(facts, spec);
  await table.launch(
    { spec, role: "own", moveId: null, peer: null, machineType, memoryPath },
    facts,
  );
}

/** The paths of a VM that has neither a process nor a good image here; a stale image is removed. */
export async function clearedFor(parts: LifeParts, vm: VmName) {
  const occupant = await occupantOf(parts, vm);
  if (occupant !== null) throw exists(vm, occupant);
  const paths = parts.table.paths(vm);
  await removeImage(paths);
  return paths;
}

/** What of a VM is here that must not be overwritten, in words; null for nothing. */
export async function occupantOf({ table, facts }: LifeParts, vm: VmName): Promise<string | null> {
  if ((await table.living(vm)) !== undefined) return "it has a process";
  const paths = table.paths(vm);
  const image = await readImage(paths);
  const isGood = image !== undefined && (await staleReason(paths, image, hostOf(facts))) === null;
  return isGood ? "it is suspended: resume it, or undefine it first" : null;
}

export async function refuseSpec({ settings }: LifeParts, spec: VmSpec): Promise<void> {
  const objection = await specObjection(spec, settings);
  if (objection !== null) {
    throw new HypervisorError(`VM ${spec.name} cannot run here: ${objection}`, { code: "VM_SPEC" });
  }
}

/** What a spec's machine stands for in this QEMU: both ends of a move must build the same. */
export function machineTypeOf({ machineTypes, version }: QemuFacts, spec: VmSpec): string {
  const type = machineTypes.get(spec.machine);
  if (type !== undefined) return type;
  const words = `VM ${spec.name}: QEMU ${version} here cannot build a ${spec.machine} machine`;
  throw new HypervisorError(words, { code: "VM_SPEC" });
}

export async function stopGuest(parts: LifeParts, vm: VmName, force: boolean): Promise<void> {
  const guest = await parts.table.living(vm);
  if (guest === undefined) return;
  if (!force) await stopGently(guest, parts.settings);
  await parts.table.kill(guest);
  // Stopped by order: the used-up image it once was resumed from is of no interest any more.
  if ((await readImage(guest.paths))?.consumed) await removeImage(guest.paths);
}

async function stopGently(guest: Guest, settings: QemuSettings): Promise<void> {
  const { process, spec } = guest.record;
  if (needsAcpi(spec) && (await guest.state()) === "running") {
    await guest.execute("system_powerdown");
    if (await diesWithin(process, settings.powerdownWaitMs, settings.clock)) return;
  }
  await signalGuest(process, "SIGTERM");
  await diesWithin(process, TERMINATE_WAIT_MS, settings.clock);
}

export async function suspendToDisk(parts: LifeParts, vm: VmName): Promise<number> {
  const guest = await parts.table.living(vm);
  if (guest === undefined) throw absent(vm);
  const state = await guest.stateOrAbsent();
  if (state !== "running" && state !== "paused") {
    throw new HypervisorError(`VM ${vm} cannot be suspended while it is ${state}`, {
      code: "VM_STATE",
    });
  }
  const imageBytes = await suspendGuest(guest, parts.facts.accelerator);
  await parts.table.drop(guest);
  return imageBytes;
}

export async function resumeFromDisk(parts: LifeParts, spec: VmSpec): Promise<void> {
  const { settings, table, facts } = parts;
  const paths = table.paths(spec.name);
  if ((await table.living(spec.name)) !== undefined) throw exists(spec.name, "it has a process");
  const image = await readImage(paths);
  if (image === undefined) {
    throw new HypervisorError(`VM ${spec.name} has no suspended image here`, { code: "VM_ABSENT" });
  }
  const changed = image.templateDigest === templateDigest(spec) ? null : "its definition changed";
  const stale = (await staleReason(paths, image, hostOf(facts))) ?? changed;
  if (stale !== null) {
    const words = `VM ${spec.name}: its suspended image must not be resumed: ${stale}; start it anew`;
    throw new HypervisorError(words, { code: "IMAGE_STALE" });
  }
  await refuseSpec(parts, spec);
  const memoryPath = memoryPathFor(spec.name, paths.folder, settings.memoryDirectory);
  const { machineType } = image;
  const order = {
    spec,
    role: "resuming",
    moveId: null,
    peer: null,
    machineType,
    memoryPath,
  } as const;
  await resumeGuest({
    vm: spec.name,
    paths,
    image,
    memoryPath,
    log: settings.log,
    launch: () => table.launch(order, facts),
    kill: (guest) => table.kill(guest),
  });
}

export async function forgetGuest({ table }: LifeParts, vm: VmName): Promise<void> {
  if ((await table.living(vm)) !== undefined) {
    throw new HypervisorError(`VM ${vm} has a process here: stop it first`, { code: "VM_STATE" });
  }
  const paths = table.paths(vm);
  await removeImage(paths);
  await rm(paths.folder, { recursive: true, force: true });
  await rm(paths.serial, { force: true });
}

export function hostOf({ version, accelerator }: QemuFacts) {
  return { qemuVersion: version, accelerator };
}
