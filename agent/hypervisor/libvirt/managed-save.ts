import { execFile } from "node:child_process";
import { stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import type { VmName } from "#lib/model/ids.ts";
import { flush } from "../durable-file.ts";
import { type LibvirtSettings, seenPath } from "./libvirt-options.ts";
import { libvirtFolder } from "./move-paths.ts";

const run = promisify(execFile);
/** Whatever else the machine has to write is written with it. */
const SYNC_MS_MAX = 120_000;

/** Where libvirt keeps managed saves (its own path, not configurable). */
const FOLDER = `${libvirtFolder}/save`;
/** An image that cannot be looked at: never told from the one that was used before. */
const UNSEEN = "unseen";

/** The image of a VM's managed save, as it is reached from here. */
export function managedSavePath(settings: Pick<LibvirtSettings, "hostRoot">, vm: VmName): string {
  return seenPath(settings, join(FOLDER, `${vm}.save`));
}

/**
 * Makes an image survive a power cut; resolves to its size. It is libvirt's alone to read: for an
 * agent that may not open it, all file systems are flushed (sync(2) asks for no right).
 */
export async function flushManagedSave(path: string): Promise<number> {
  try {
    await flush(path);
    await flush(dirname(path));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "EACCES" && code !== "EPERM") throw error;
    await run("sync", [], { timeout: SYNC_MS_MAX });
  }
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}

/** What tells one managed save of a VM from the next: libvirt writes a new file for each. */
export async function managedSaveStamp(path: string): Promise<string> {
  try {
    const { ino, mtimeNs } = await stat(path, { bigint: true });
    return `${ino}:${mtimeNs}`;
  } catch {
    return UNSEEN;
  }
}
