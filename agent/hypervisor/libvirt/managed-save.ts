import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { VmName } from "#lib/model/ids.ts";
import { type LibvirtSettings, seenPath } from "./libvirt-options.ts";

/** Where libvirt keeps managed saves (its own path, not configurable). */
const FOLDER = "/var/lib/libvirt/qemu/save";
/** An image that cannot be looked at: never told from the one that was used before. */
const UNSEEN = "unseen";

/** The image of a VM's managed save, as it is reached from here. */
export function managedSavePath(settings: Pick<LibvirtSettings, "hostRoot">, vm: VmName): string {
  return seenPath(settings, join(FOLDER, `${vm}.save`));
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
