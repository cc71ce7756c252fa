import { mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { QemuDriver } from "#agent/hypervisor/qemu/qemu-driver.ts";
import type { QemuDriverOptions } from "#agent/hypervisor/qemu/qemu-options.ts";
import { SystemClock } from "#agent/os/system-clock.ts";
import type { VmName } from "#lib/model/ids.ts";
import type { VmSpec } from "#lib/model/vm-spec.ts";
import type { ContractRig } from "./contract-rig.ts";
import { type LabGuest, labGuest, labSpec } from "./lab-guest.ts";
import { countFault, serialCounts } from "./serial-counts.ts";

type Side = "source" | "target";

/**
 * Two hosts with real guests on this machine. Both write the serial lines of a VM into one file,
 * so that its order is the order in which the guest's two copies ran.
 */
export class QemuRig implements ContractRig {
  readonly handsOver = false;
  readonly folder: string;
  readonly guest: LabGuest;
  readonly #options: Partial<QemuDriverOptions>;
  source: QemuDriver;
  target: QemuDriver;

  private constructor(folder: string, options: Partial<QemuDriverOptions>) {
    this.folder = folder;
    this.guest = labGuest();
    this.#options = options;
    this.source = this.#driver("source");
    this.target = this.#driver("target");
  }

  static async make(options: Partial<QemuDriverOptions> = {}): Promise<QemuRig> {
    const rig = new QemuRig(await mkdtemp(join(tmpdir(), "ek-")), options);
    for (const side of ["source", "target"] as const) {
      await mkdir(rig.stateDirectory(side));
      await rig[side].start();
    }
    return rig;
  }

  stateDirectory(side: Side): string {
    return join(this.folder, side);
  }

  serialPath(vm: VmName): string {
    return join(this.folder, "serial", `${vm}.log`);
  }

  spec(vm: VmName): VmSpec {
    return labSpec(vm, this.guest);
  }

  socketPath(name: string): string {
    return join(this.folder, name);
  }

  async restartAgent(side: Side): Promise<void> {
    // A process that dies closes its sockets and does nothing else: that is all stop() does.
    await this[side].stop();
    this[side] = this.#driver(side);
    await this[side].start();
  }

  async pidOf(side: Side, vm: VmName): Promise<number> {
    const path = join(this.stateDirectory(side), "guests", vm, "guest.json");
    return JSON.parse(await readFile(path, "utf8")).process.pid;
  }

  async killCopy(side: Side, vm: VmName): Promise<void> {
    const pid = await this.pidOf(side, vm);
    process.kill(pid, "SIGKILL");
    const path = join(this.stateDirectory(side), "guests", vm, "guest.json");
    // Dead when the driver, too, takes it for dead.
    while ((await this[side].list()).some((copy) => copy.vm === vm && copy.state !== "stale")) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await rm(path, { force: true });
  }

  async count(vm: VmName): Promise<number> {
    return (await serialCounts(this.serialPath(vm))).at(-1) ?? -1;
  }

  async countFault(vm: VmName): Promise<string | null> {
    return countFault(await serialCounts(this.serialPath(vm)));
  }

  async close(): Promise<void> {
    for (const side of ["source", "target"] as const) {
      const guests = join(this.stateDirectory(side), "guests");
      for (const vm of await readdir(guests).catch(() => [])) {
        await this[side].stopVm(vm, true).catch(() => {});
      }
      await this[side].stop();
    }
    await rm(this.folder, { recursive: true, force: true });
  }

  #driver(side: Side): QemuDriver {
    return new QemuDriver({
      stateDirectory: this.stateDirectory(side),
      serialDirectory: join(this.folder, "serial"),
      storageRoots: [this.folder, dirname(this.guest.kernel)],
      bridges: [],
      clock: new SystemClock(),
      log: { write() {} },
      systemd: false,
      ...this.#options,
    });
  }
}
