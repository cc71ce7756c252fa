import { access, constants, realpath, stat } from "node:fs/promises";
import type { VmNetwork, VmSpec } from "#lib/model/vm-spec.ts";
import { isUnder } from "./is-under.ts";

const MEMORY_STEP_BYTES = 1 << 20;

/** What this host lets guests use. */
export interface AllowedPlaces {
  /** Folders that disks, kernels and initrds may lie in, after realpath. */
  readonly storageRoots: readonly string[];
  readonly bridges: readonly string[];
}

/**
 * Why this host will not run the VM, in words; null when it will. A spec may come from a peer: its
 * paths must lead, after all symbolic links, into a storage root, and its bridge must be listed.
 * `coming`: disks that are not here yet.
 */
export async function specObjection(
  spec: VmSpec,
  settings: AllowedPlaces,
  coming: readonly string[] = [],
): Promise<string | null> {
  if (spec.memoryBytes % MEMORY_STEP_BYTES !== 0) {
    return `its memory of ${spec.memoryBytes} bytes is not a multiple of ${MEMORY_STEP_BYTES}`;
  }
  if (spec.kernel === null && spec.disks.length === 0) return "it has neither a kernel nor a disk";
  const files = [spec.kernel?.path, spec.kernel?.initrd].filter((path) => typeof path === "string");
  for (const path of files) {
    const objection = await fileObjection(path, settings.storageRoots, constants.R_OK);
    if (objection !== null) return objection;
  }
  for (const { path } of spec.disks) {
    if (coming.includes(path)) continue;
    const mode = constants.R_OK | constants.W_OK;
    const objection = await fileObjection(path, settings.storageRoots, mode);
    if (objection !== null) return objection;
  }
  return bridgeObjection(spec.network, settings.bridges);
}

/** Why a file must not be used for a guest, in words; null when it may. */
export async function fileObjection(
  path: string,
  roots: readonly string[],
  mode: number,
): Promise<string | null> {
  let real: string;
  try {
    real = await realpath(path);
    await access(real, mode);
    const kind = await stat(real);
    if (!kind.isFile() && !kind.isBlockDevice()) return `${path} is neither a file nor a disk`;
  } catch (error) {
    return `${path} cannot be used: ${(error as Error).message}`;
  }
  for (const root of roots) {
    const realRoot = await realpath(root).catch(() => root);
    if (isUnder(real, [realRoot])) return null;
  }
  return `${path} lies in none of the storage roots (${roots.join(", ") || "none are configured"})`;
}

async function bridgeObjection(
  network: VmNetwork,
  bridges: readonly string[],
): Promise<string | null> {
  if (network.kind !== "bridge") return null;
  if (!bridges.includes(network.bridge)) {
    return `bridge ${network.bridge} is not among the configured ones (${bridges.join(", ")})`;
  }
  return access(`/sys/class/net/${network.bridge}/bridge`).then(
    () => null,
    () => `this host has no bridge ${network.bridge}`,
  );
}
