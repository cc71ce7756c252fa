/**
 * The guests of this host that have a process: found again at the start, launched, dropped.
 * A guest's folder is the truth; the table only holds the connections to what lives.
 */
import { mkdir, rm, stat, truncate } from "node:fs/promises";
import type { VmName } from "#lib/model/ids.ts";
import { HypervisorError } from "../hypervisor-error.ts";
import type { QemuFacts } from "./facts.ts";
import { findByMonitor, guestFolders } from "./find-guests.ts";
import { Guest } from "./guest.ts";
import { type GuestPaths, guestPaths, removeSockets } from "./guest-paths.ts";
import {
  type GuestRecord,
  readGuestRecord,
  removeGuestRecord,
  writeGuestRecord,
} from "./guest-record.ts";
import { isAlive } from "./process-identity.ts";
import type { QemuSettings } from "./qemu-options.ts";
import { readImage } from "./saved-image.ts";
import { type LaunchOrder, spawnGuest } from "./spawn-guest.ts";
import { plugTap, unplugTap } from "./tap-device.ts";

/** A guest may write as much as it likes; beyond this its log begins anew. */
const SERIAL_BYTES_MAX = 16 << 20;
const NO_PROCESS = { pid: 0, startTicks: 0 };

export class GuestTable {
  readonly #settings: QemuSettings;
  readonly #changed: () => void;
  readonly #guests = new Map<VmName, Guest>();

  constructor(settings: QemuSettings, changed: () => void) {
    this.#settings = settings;
    this.#changed = changed;
  }

  /** Finds the guests that an earlier agent left running. */
  async find(): Promise<readonly Guest[]> {
    for (const vm of await guestFolders(this.#settings.stateDirectory)) {
      const paths = this.paths(vm);
      const record = await readGuestRecord(paths.record);
      if (record === undefined) continue;
      const process = (await isAlive(record.process))
        ? record.process
        : await findByMonitor(paths.monitor);
      if (process === undefined) await this.#clean(paths, record);
      else this.#add(paths, { ...record, process });
    }
    return [...this.#guests.values()];
  }

  paths(vm: VmName): GuestPaths {
    return guestPaths(this.#settings.stateDirectory, this.#settings.serialDirectory, vm);
  }

  /** The guest if its process lives; what a dead one left behind is removed, its image excepted. */
  async living(vm: VmName): Promise<Guest | undefined> {
    const guest = this.#guests.get(vm);
    if (guest === undefined || (await guest.isAlive())) return guest;
    await this.drop(guest);
    return undefined;
  }

  async all(): Promise<readonly Guest[]> {
    const living = await Promise.all([...this.#guests.keys()].map((vm) => this.living(vm)));
    return living.filter((guest) => guest !== undefined);
  }

  /** Starts a process. On failure nothing of it is left. */
  async launch(order: LaunchOrder, facts: QemuFacts): Promise<Guest> {
    const { spec } = order;
    const paths = this.paths(spec.name);
    const { role, moveId, peer, machineType, memoryPath } = order;
    const record: GuestRecord = {
      ...{ spec, role, moveId, peer, machineType, memoryPath },
      qemuVersion: facts.version,
      process: NO_PROCESS,
    };
    await mkdir(paths.folder, { recursive: true, mode: 0o700 });
    await mkdir(this.#settings.serialDirectory, { recursive: true, mode: 0o700 });
    // Before the process exists: whatever happens to the agent, the next one knows to look for it.
    await writeGuestRecord(paths.record, record);
    let guest: Guest | undefined;
    try {
      await plugTap(spec);
      const process = await spawnGuest(order, { settings: this.#settings, paths, facts });
      guest = this.#add(paths, { ...record, process });
      await guest.note({ process });
      await guest.monitorReady();
      return guest;
    } catch (error) {
      if (guest === undefined) await this.#clean(paths, record);
      else await this.kill(guest);
      throw error;
    }
  }

  /** Kills the process and removes what belongs to it alone. */
  async kill(guest: Guest): Promise<void> {
    await guest.kill();
    await this.drop(guest);
    if ((await readImage(guest.paths)) === undefined) {
      await rm(guest.paths.folder, { recursive: true, force: true });
    }
  }

  /** Begins the serial log of a guest anew that has written more than anybody will read. */
  async trimSerial({ serial }: GuestPaths): Promise<void> {
    const { size } = await stat(serial).catch(() => ({ size: 0 }));
    // QEMU appends, so it goes on at the new end by itself.
    if (size > SERIAL_BYTES_MAX) await truncate(serial);
  }

  /** Forgets a guest whose process is gone. */
  async drop(guest: Guest): Promise<void> {
    guest.release();
    if (this.#guests.get(guest.vm) === guest) this.#guests.delete(guest.vm);
    await this.#clean(guest.paths, guest.record);
    this.#changed();
  }

  /** Lets go of all monitors; the guests run on. */
  release(): void {
    for (const guest of this.#guests.values()) guest.release();
    this.#guests.clear();
  }

  #add(paths: GuestPaths, record: GuestRecord): Guest {
    const guest = new Guest({ paths, record, clock: this.#settings.clock, changed: this.#changed });
    this.#guests.set(guest.vm, guest);
    return guest;
  }

  /** What a process leaves behind: its record, sockets, tap, and its memory unless an image has it. */
  async #clean(paths: GuestPaths, record: GuestRecord): Promise<void> {
    await removeGuestRecord(paths.record);
    await removeSockets(paths);
    await unplugTap(record.spec);
    const hasImage = (await readImage(paths)) !== undefined;
    if (!hasImage || !record.memoryPath.startsWith(paths.folder)) {
      await rm(record.memoryPath, { force: true });
    }
  }
}

/** Thrown where a VM is to start that is here already. */
export function exists(vm: VmName, what: string): HypervisorError {
  return new HypervisorError(`VM ${vm} is here already: ${what}`, { code: "VM_EXISTS" });
}
