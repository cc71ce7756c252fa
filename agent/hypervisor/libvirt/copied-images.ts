/** Images that a move copies along: what the target must allow, makes beforehand, and clears away. */
import { execFile } from "node:child_process";
import { open, rm, statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { promisify } from "node:util";
import type { DiskCopyNeed } from "#lib/model/move-needs.ts";
import { folderObjection } from "../folder-objection.ts";
import { HypervisorError } from "../hypervisor-error.ts";
import { isThere } from "../is-there.ts";
import { isUnder } from "../is-under.ts";
import { lastLineOf } from "../last-line-of.ts";
import { type LibvirtSettings, seenPath } from "./libvirt-options.ts";

const run = promisify(execFile);
const MAKE_MS_MAX = 30_000;
/** The guest writes on while it is copied, and the image has tables of its own. */
const ROOM_SHARE = 1.1;
const GIB = 2 ** 30;
/** QEMU writes its image in greater pieces than this. */
const ROOM_BYTES_MIN = 1 << 20;

/** Why the images cannot be copied to this host, in words with the remedy; null when they can. */
export async function copiesObjection(
  settings: LibvirtSettings,
  copies: readonly DiskCopyNeed[],
): Promise<string | null> {
  const wanted = new Map<string, number>();
  for (const { path, usedBytes } of copies) {
    if (!isUnder(path, settings.copiedRoots)) {
      return `${path} would be copied along, and lies in none of hypervisor.copiedRoots here`;
    }
    const folder = dirname(seenPath(settings, path));
    if (!(await isThere(folder))) return `${dirname(path)} is not here: mkdir ${dirname(path)}`;
    if (await isThere(seenPath(settings, path))) {
      return `${path} is here already, and would be overwritten: move it away, or share its folder`;
    }
    const closed = await folderObjection(folder);
    if (closed !== null) return closed;
    wanted.set(folder, (wanted.get(folder) ?? 0) + usedBytes * ROOM_SHARE);
  }
  for (const [folder, bytes] of wanted) {
    const { bavail, bsize } = await statfs(folder);
    if (bavail * bsize >= bytes) continue;
    const figures = `${gib(bytes)} GiB, and ${gib(bavail * bsize)} are free`;
    return `its disks need ${figures} at ${folder}: free space there`;
  }
  return null;
}

/**
 * Makes an empty image for the source to write to. `noted` is called before it is there, so that
 * whatever happens it is cleared away; an image that is there already is never touched.
 */
export async function makeImage(
  settings: LibvirtSettings,
  { path, format, sizeBytes }: DiskCopyNeed,
  noted: (isOurs: boolean) => Promise<void>,
): Promise<void> {
  const seen = seenPath(settings, path);
  await noted(true);
  try {
    await (await open(seen, "wx", 0o600)).close();
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "EEXIST") await noted(false);
    throw cause;
  }
  try {
    const words = ["create", "-q", "-f", format, seen, String(sizeBytes)];
    await run("qemu-img", words, { timeout: MAKE_MS_MAX });
  } catch (cause) {
    const words = `${path} cannot be made for the copy (apt install qemu-utils?)`;
    throw new HypervisorError(`${words}: ${lastLineOf(cause)}`, { code: "STORAGE", cause });
  }
}

export async function removeImages(
  settings: LibvirtSettings,
  paths: readonly string[],
): Promise<void> {
  for (const path of paths) await rm(seenPath(settings, path), { force: true });
}

/** What a broken copy may have ended for: there is no room for it any more. Null where there is. */
export async function fullness(
  settings: LibvirtSettings,
  paths: readonly string[],
): Promise<string | null> {
  for (const path of paths) {
    const { bavail, bsize } = await statfs(dirname(seenPath(settings, path)));
    if (bavail * bsize < ROOM_BYTES_MIN) return `${dirname(path)} ran full: free space there`;
  }
  return null;
}

function gib(bytes: number): string {
  return (bytes / GIB).toFixed(2);
}
