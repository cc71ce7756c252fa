import { createHash } from "node:crypto";
import { readdir, rm, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import type { VmSpec } from "#lib/model/vm-spec.ts";
import { readJson, writeDurably } from "../durable-file.ts";
import { type BaseMark, changedBase } from "./base-files.ts";
import type { GuestPaths } from "./guest-paths.ts";
import { memoryFileName } from "./memory-file.ts";
import { asRecord } from "./qmp-lines.ts";

/** What a disk was when the memory was saved: memory must never meet another generation of it. */
export interface DiskMark {
  readonly path: string;
  readonly bytes: number;
  readonly modifiedMs: number;
}

/** image.json: one saved state, valid as a whole or not at all. */
export interface SavedImage {
  /** Rises with every suspend of this VM here. */
  readonly generation: number;
  /** True from just before the guest runs on it: from then on the memory file is no saved state. */
  readonly consumed: boolean;
  readonly memoryFile: string;
  readonly memoryBytes: number;
  readonly stateFile: string;
  readonly stateBytes: number;
  readonly disks: readonly DiskMark[];
  /** What the guest stands on and does not write. Absent in images of agents that did not know it. */
  readonly bases?: readonly BaseMark[];
  readonly qemuVersion: string;
  readonly machineType: string;
  readonly accelerator: string;
  readonly templateDigest: string;
}

/** The host's side of whether an image may be resumed. */
export interface ImageHost {
  readonly qemuVersion: string;
  readonly accelerator: string;
}

/** The latest image of a VM; undefined when there is none. */
export async function readImage(paths: GuestPaths): Promise<SavedImage | undefined> {
  const value = asRecord(await readJson(paths.manifest));
  return typeof value?.["generation"] === "number" ? (value as unknown as SavedImage) : undefined;
}

export async function writeImage(paths: GuestPaths, image: SavedImage): Promise<void> {
  await writeDurably(paths.manifest, `${JSON.stringify(image)}\n`);
}

/** Removes the image and its files; with `keep`, only the device states of other generations. */
export async function removeImage(paths: GuestPaths, keep?: SavedImage): Promise<void> {
  if (keep === undefined) {
    // The manifest first: an image without its files is stale, files without a manifest are litter.
    await rm(paths.manifest, { force: true });
    await rm(join(paths.folder, memoryFileName), { force: true });
  }
  for (const name of await readdir(paths.folder).catch(() => [])) {
    if (!name.startsWith("state.") || name === keep?.stateFile) continue;
    await rm(join(paths.folder, name), { force: true });
  }
}

/** Why the image must not be resumed here, in words; null when it may. */
export async function staleReason(
  paths: GuestPaths,
  image: SavedImage,
  host: ImageHost,
): Promise<string | null> {
  if (image.consumed) return "it was resumed before and not suspended cleanly since";
  if (image.qemuVersion !== host.qemuVersion) {
    return `it was made by QEMU ${image.qemuVersion} and this is ${host.qemuVersion}`;
  }
  if (image.accelerator !== host.accelerator) {
    return `it was made with ${image.accelerator} and this host has ${host.accelerator}`;
  }
  const memory = await sizeOf(join(paths.folder, image.memoryFile));
  const state = await sizeOf(join(paths.folder, image.stateFile));
  if (memory !== image.memoryBytes || state !== image.stateBytes) return "its files are incomplete";
  for (const disk of image.disks) {
    const now = await markDisk(disk.path).catch(() => undefined);
    if (now?.bytes !== disk.bytes || now.modifiedMs !== disk.modifiedMs) {
      return `its disk ${basename(disk.path)} was changed since`;
    }
  }
  const base = await changedBase(image.bases ?? []);
  return base === undefined ? null : `${base}, on which it stands, was changed since`;
}

export async function markDisk(path: string): Promise<DiskMark> {
  const { size, mtimeMs } = await stat(path);
  return { path, bytes: size, modifiedMs: mtimeMs };
}

/** Digest of what the machine is made of: another policy or pin does not make an image stale. */
export function templateDigest({ policy: _policy, ...machine }: VmSpec): string {
  return createHash("sha256")
    .update(JSON.stringify(sorted(machine)))
    .digest("hex");
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  const record = asRecord(value);
  if (record === undefined) return value;
  return Object.entries(record)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, inner]) => [key, sorted(inner)]);
}

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => -1,
  );
}
