import type { ChildProcess } from "node:child_process";
import { mkdir, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { consolePath } from "#agent/hypervisor/libvirt/domain-xml.ts";
import { LibvirtDriver } from "#agent/hypervisor/libvirt/libvirt-driver.ts";
import type { LibvirtDriverOptions } from "#agent/hypervisor/libvirt/libvirt-options.ts";
import { SystemClock } from "#agent/os/system-clock.ts";
import type { VmName } from "#lib/model/ids.ts";
import type { VmSpec } from "#lib/model/vm-spec.ts";
import type { ContractRig } from "./contract-rig.ts";
import { eventually } from "./eventually.ts";
import { startGuard } from "./fleet-guard.ts";
import { type LabGuest, type LabWork, labGuest, labSpec } from "./lab-guest.ts";
import { LibvirtHost } from "./libvirt-host.ts";
import { countFault, serialCounts } from "./serial-counts.ts";

type Side = "source" | "target";

/** Each host's own: what lies there goes along with its guest. */
export const LOCAL_IMAGES = "/var/lib/libvirt/images";

/** Two real libvirtds on this machine, with real guests, driven from outside of their hosts. */
export class LibvirtRig implements ContractRig {
  readonly handsOver = true;
  readonly folder: string;
  readonly hosts: Readonly<Record<Side, LibvirtHost>>;
  readonly #guest: LabGuest = labGuest();
  readonly #guard: ChildProcess;
  source: LibvirtDriver;
  target: LibvirtDriver;

  private constructor(folder: string, tcpPorts: Partial<Record<Side, number>>) {
    this.folder = folder;
    this.#guard = startGuard(folder, "");
    const host = (side: Side) => {
      const tcpPort = tcpPorts[side];
      const listen = tcpPort === undefined ? {} : { tcpPort };
      return new LibvirtHost({ folder: join(folder, side), name: `ek-${side}`, ...listen });
    };
    this.hosts = { source: host("source"), target: host("target") };
    this.source = this.#driver("source");
    this.target = this.#driver("target");
  }

  /** `tcpPorts`: where the daemons are to be reached without evenkeel, too. */
  static async make(tcpPorts: Partial<Record<Side, number>> = {}): Promise<LibvirtRig> {
    const rig = new LibvirtRig(await mkdtemp(join(tmpdir(), "ek-")), tcpPorts);
    try {
      for (const side of ["source", "target"] as const) {
        await mkdir(join(rig.folder, `${side}-agent`));
        await rig.hosts[side].start();
        await rig[side].start();
      }
    } catch (error) {
      await rig.close();
      throw error;
    }
    return rig;
  }

  spec(vm: VmName, work: LabWork = {}): VmSpec {
    return { ...labSpec(vm, this.#guest, work), machine: "pc" };
  }

  socketPath(name: string): string {
    return join(this.folder, name);
  }

  async restartAgent(side: Side): Promise<void> {
    await this[side].stop();
    this[side] = this.#driver(side);
    await this[side].start();
  }

  async killCopy(side: Side, vm: VmName): Promise<void> {
    if (!this.hosts[side].killGuest(vm)) throw new Error(`${vm} has no process at the ${side}`);
    const isDead = async () =>
      !(await this[side].list()).some((copy) => copy.vm === vm && copy.state !== "stale");
    await eventually(`${vm} is dead at the ${side}`, isDead);
  }

  async count(vm: VmName): Promise<number> {
    return (await this.#counts(vm)).at(-1) ?? -1;
  }

  async countFault(vm: VmName): Promise<string | null> {
    return countFault(await this.#counts(vm));
  }

  async close(): Promise<void> {
    for (const side of ["source", "target"] as const) {
      await this[side].stop();
      await this.hosts[side].close();
    }
    this.#guard.ref();
    const gone = new Promise((resolve) => this.#guard.once("exit", resolve));
    this.#guard.stdin?.end();
    await gone;
  }

  /** A guest of the suite goes from source to target at most: that is the order of its lines. */
  async #counts(vm: VmName): Promise<readonly number[]> {
    const paths = [this.hosts.source, this.hosts.target].map((host) => host.seen(consolePath(vm)));
    return (await Promise.all(paths.map(serialCounts))).flat();
  }

  /** Another driver on the host, not started; whoever asks for it stops it. */
  driverWith(side: Side, more: Partial<LibvirtDriverOptions>): LibvirtDriver {
    return this.#driver(side, more);
  }

  #driver(side: Side, more: Partial<LibvirtDriverOptions> = {}): LibvirtDriver {
    return new LibvirtDriver({
      stateDirectory: join(this.folder, `${side}-agent`),
      storageRoots: [this.folder, dirname(this.#guest.kernel)],
      bridges: [],
      copiedRoots: [LOCAL_IMAGES],
      uri: this.hosts[side].uri,
      hostRoot: this.hosts[side].folder,
      accelerator: "tcg",
      powerdownWaitMs: 500,
      clock: new SystemClock(),
      log: { write() {} },
      ...more,
    });
  }
}
