import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { isMoveId, isVmName, type MoveId, type VmName } from "#lib/model/ids.ts";
import { readJson, writeDurably } from "../durable-file.ts";

/**
 * What libvirt cannot tell of a VM: which move its copy belongs to, on which end of it, and whether
 * its saved image was used up.
 */
export interface VmRecord {
  readonly moveId: MoveId | null;
  /** `out`: this host sends it, `in`: this host receives it. */
  readonly role: "own" | "out" | "in";
  /** `consumed`: resumed from its saved image, and not saved since. */
  readonly image: "none" | "saved" | "consumed";
  /** Of a consumed image: which it was, as DomainLook.savedImage has it; null where not known. */
  readonly used: string | null;
  /**
   * Images that the move copies: at the target those that were made for it, at the source those that
   * are worthless once it was handed over. Empty as soon as they are a VM's own.
   */
  readonly copies?: readonly string[];
}

export const freshRecord: VmRecord = { moveId: null, role: "own", image: "none", used: null };

/** One small file a VM, durable, in the driver's own folder. */
export class VmRecords {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async open(): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
  }

  async read(vm: VmName): Promise<VmRecord | undefined> {
    const value = (await readJson(this.#path(vm))) as Partial<VmRecord> | undefined;
    if (value === undefined || value === null || typeof value !== "object") return undefined;
    const { moveId = null, role = "own", image = "none", used = null } = value;
    const copies = Array.isArray(value.copies) ? value.copies.filter((one) => one !== "") : [];
    const record = { moveId: isMoveId(moveId) ? moveId : null, role, image, used };
    return copies.length > 0 ? { ...record, copies } : record;
  }

  write(vm: VmName, record: VmRecord): Promise<void> {
    return writeDurably(this.#path(vm), `${JSON.stringify(record)}\n`);
  }

  async remove(vm: VmName): Promise<void> {
    await rm(this.#path(vm), { force: true });
  }

  /** VMs that have a record, in name order. */
  async names(): Promise<readonly VmName[]> {
    const files = await readdir(this.#folder).catch(() => []);
    return files
      .flatMap((file) => (file.endsWith(".json") ? [file.slice(0, -".json".length)] : []))
      .filter(isVmName)
      .sort();
  }

  #path(vm: VmName): string {
    return join(this.#folder, `${vm}.json`);
  }
}
