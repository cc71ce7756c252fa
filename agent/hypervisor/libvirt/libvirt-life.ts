/** Start, stop, suspend, resume: what becomes of a domain on its own host. */
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { VmName } from "#lib/model/ids.ts";
import type { VmSpec } from "#lib/model/vm-spec.ts";
import { HypervisorError } from "../hypervisor-error.ts";
import { sleep } from "../sleep.ts";
import { specObjection } from "../spec-objection.ts";
import { hasGoodImage, hasProcess } from "./domain-state.ts";
import { domainNamespace, domainXml } from "./domain-xml.ts";
import type { LibvirtParts } from "./libvirt-parts.ts";
import { flushManagedSave, managedSavePath } from "./managed-save.ts";
import { runVirsh } from "./run-virsh.ts";
import { freshRecord } from "./vm-record.ts";

const LOOK_INTERVAL_MS = 100;
const ORDER_MS_MAX = 60_000;

export async function startDomain(parts: LibvirtParts, spec: VmSpec): Promise<void> {
  const vm = spec.name;
  const occupant = await occupantOf(parts, vm);
  if (occupant !== null) throw exists(vm, occupant);
  await refuseSpec(parts, spec);
  const isForeign = (await parts.table.look(vm)) !== undefined && !(await isOurs(parts, vm));
  if (!isForeign) await define(parts, spec);
  await parts.records.write(vm, freshRecord);
  // A managed guest is started by the agent that owns it, never by libvirt at boot.
  if (spec.policy.managed !== false) await parts.ordering.ask(["autostart", "--disable", vm]);
  await runVirsh(virshOf(parts), ["start", vm]).ended;
}

/** What of a VM is here that must not be overwritten, in words; null for nothing. */
async function occupantOf(parts: LibvirtParts, vm: VmName): Promise<string | null> {
  const look = await parts.table.look(vm);
  if (look === undefined) return null;
  if (hasProcess(look)) return "it has a process";
  return hasGoodImage(look, await parts.records.read(vm))
    ? "it is suspended: resume it, or undefine it first"
    : null;
}

/** `coming`: disks that are not here yet. */
export async function refuseSpec(
  { settings }: LibvirtParts,
  spec: VmSpec,
  coming: readonly string[] = [],
): Promise<void> {
  const objection = libvirtObjection(spec) ?? (await specObjection(spec, settings, coming));
  if (objection !== null) {
    throw new HypervisorError(`VM ${spec.name} cannot run here: ${objection}`, { code: "VM_SPEC" });
  }
}

/** What the spec asks for that this driver does not do, in words; null for nothing. */
export function libvirtObjection(spec: VmSpec): string | null {
  if (spec.machine === "microvm") return "libvirt builds no microvm machines: take q35 or pc";
  if (spec.network.kind === "user" && spec.network.forwards.length > 0) {
    return "libvirt's user network forwards no ports: take a bridge";
  }
  return null;
}

export async function stopDomain(parts: LibvirtParts, vm: VmName, force: boolean): Promise<void> {
  const look = await parts.table.look(vm);
  if (look === undefined) return;
  if (hasProcess(look)) {
    if (!force) await shutDown(parts, vm);
    await destroy(parts, vm);
  } else if (hasGoodImage(look, await parts.records.read(vm))) return;
  await undefineOurs(parts, vm);
}

export async function saveDomain(parts: LibvirtParts, vm: VmName): Promise<number> {
  const look = await parts.table.look(vm);
  if (look === undefined || !hasProcess(look)) throw absent(vm);
  try {
    await runVirsh(virshOf(parts), ["managedsave", vm]).ended;
  } catch (cause) {
    const words = `VM ${vm}: it could not be suspended: ${(cause as Error).message}`;
    const code = cause instanceof HypervisorError ? cause.code : "COMMAND_FAILED";
    throw new HypervisorError(words, { code, cause });
  }
  const imageBytes = await flushManagedSave(managedSavePath(parts.settings, vm));
  await parts.records.write(vm, { ...freshRecord, image: "saved" });
  return imageBytes;
}

export async function restoreDomain(parts: LibvirtParts, spec: VmSpec): Promise<void> {
  const vm = spec.name;
  const look = await parts.table.look(vm);
  const record = (await parts.records.read(vm)) ?? freshRecord;
  if (look !== undefined && hasProcess(look)) throw exists(vm, "it has a process");
  if (look === undefined || !hasGoodImage(look, record)) {
    if (record.image !== "consumed") {
      throw new HypervisorError(`VM ${vm} has no saved image here`, { code: "VM_ABSENT" });
    }
    const words = `VM ${vm}: its saved image was used up already: start it anew`;
    throw new HypervisorError(words, { code: "IMAGE_STALE" });
  }
  await parts.records.write(vm, { ...freshRecord, image: "consumed", used: look.savedImage });
  try {
    await runVirsh(virshOf(parts), ["start", vm]).ended;
  } catch (error) {
    // libvirt removes the image once the guest runs: while it is there, the guest never did.
    const after = await parts.table.look(vm);
    if (after?.savedImage === look.savedImage && !hasProcess(after)) {
      await parts.records.write(vm, { ...freshRecord, image: "saved" });
    }
    throw error;
  }
}

export async function forgetDomain(parts: LibvirtParts, vm: VmName): Promise<void> {
  const look = await parts.table.look(vm);
  if (look !== undefined && hasProcess(look)) {
    throw new HypervisorError(`VM ${vm} has a process here: stop it first`, { code: "VM_STATE" });
  }
  await undefine(parts, vm);
}

/** Kills the domain's process. Succeeds when there is none. */
export async function destroy(parts: LibvirtParts, vm: VmName): Promise<void> {
  await parts.ordering.ask(["destroy", vm], ORDER_MS_MAX).catch(async (error: unknown) => {
    const look = await parts.table.look(vm);
    if (look !== undefined && hasProcess(look)) throw error;
  });
}

/** Removes definition, saved image and record. Succeeds when there is nothing. */
export async function undefine(parts: LibvirtParts, vm: VmName): Promise<void> {
  await parts.ordering
    .ask(["undefine", "--managed-save", "--snapshots-metadata", "--nvram", vm], ORDER_MS_MAX)
    .catch(async (error: unknown) => {
      if ((await parts.table.look(vm)) !== undefined) throw error;
    });
  await parts.records.remove(vm);
}

/** A domain that the admin defined stays defined; only what evenkeel made goes. */
async function undefineOurs(parts: LibvirtParts, vm: VmName): Promise<void> {
  if (await isOurs(parts, vm)) await undefine(parts, vm);
  else await parts.records.write(vm, freshRecord);
}

async function isOurs({ asking }: LibvirtParts, vm: VmName): Promise<boolean> {
  return asking.ask(["metadata", vm, "--uri", domainNamespace]).then(
    () => true,
    () => false,
  );
}

async function define(parts: LibvirtParts, spec: VmSpec): Promise<void> {
  await undefine(parts, spec.name);
  const { accelerator } = parts.facts;
  const path = join(parts.settings.stateDirectory, "libvirt", `${spec.name}.xml`);
  const cpuModel = parts.settings.cpuModel ?? null;
  await writeFile(path, domainXml({ spec, accelerator, cpuModel }), { mode: 0o600 });
  try {
    await parts.ordering.ask(["define", path]);
  } finally {
    await rm(path, { force: true });
  }
}

/** Asks the guest to power off and waits for it, up to the limit. */
async function shutDown(parts: LibvirtParts, vm: VmName): Promise<void> {
  const { clock, powerdownWaitMs } = parts.settings;
  await parts.ordering.ask(["shutdown", vm]).catch(() => undefined);
  const endMs = clock.nowMs() + powerdownWaitMs;
  while (clock.nowMs() < endMs) {
    const look = await parts.table.look(vm);
    if (look === undefined || !hasProcess(look)) return;
    await sleep(LOOK_INTERVAL_MS, clock);
  }
}

export function virshOf({ settings }: LibvirtParts) {
  return { virsh: settings.virsh, uri: settings.uri, clock: settings.clock };
}

export function absent(vm: VmName): HypervisorError {
  return new HypervisorError(`VM ${vm} does not run here`, { code: "VM_ABSENT" });
}

export function exists(vm: VmName, why: string): HypervisorError {
  return new HypervisorError(`VM ${vm} is here already: ${why}`, { code: "VM_EXISTS" });
}
