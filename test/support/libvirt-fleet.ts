import { execFileSync } from "node:child_process";
import { chownSync, mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { domainXml } from "#agent/hypervisor/libvirt/domain-xml.ts";
import type { VmSpec } from "#lib/model/vm-spec.ts";
import { AgentFleet } from "./agent-fleet.ts";
import { eventually } from "./eventually.ts";
import { startGuard } from "./fleet-guard.ts";
import { type FleetSerialCounts, fleetSerialCounts } from "./fleet-serial-counts.ts";
import { labGuest, labGuestFolder, labSpec } from "./lab-guest.ts";
import { LibvirtHost } from "./libvirt-host.ts";
import { LOCAL_IMAGES } from "./libvirt-rig.ts";
import { RpcGate } from "./rpc-gate.ts";

const CONSOLE = "console=ttyS0 quiet panic=-1 no_timer_check tsc=reliable";
const MEMORY_MIB = 96;
/** Of a disk that is copied along, beside what its guest writes. */
const DISK_MIB = 32;
const STEP = { limitMs: 90_000, pollMs: 100 };

/** Nobody's numbers on any machine. */
const USERS = { agent: 64_100, daemonGroup: 64_101, qemu: 64_102 };
/** With the groups of the daemon's socket and of QEMU's folder, and no right of root's. */
const asOwnUser = [
  ...["setpriv", `--reuid=${USERS.agent}`, `--regid=${USERS.agent}`],
  ...[`--groups=${USERS.daemonGroup},${USERS.qemu}`, "--bounding-set=-all", "--no-new-privs"],
];

export interface LibvirtFleetOptions {
  readonly count: number;
  readonly bandwidthMiBps?: number;
  /**
   * So many of the first hosts' agents have a user of their own and no capability, and all guests
   * have another; the daemons run as root. Absent: all is root's.
   */
  readonly ownUsers?: number;
  /**
   * Each host in a network of its own, told nothing but the key and that its guests are libvirt's;
   * hosts after the first `begun` wait to be started. Absent: on loopback, each daemon behind a gate.
   */
  readonly unconfigured?: { readonly begun: number; readonly capacity: object };
}

/**
 * Real agents, each on a host with a libvirtd of its own, as their settings would have it on any
 * host. Where faults are to strike at exact moments, libvirtd's socket is led through a gate.
 */
export class LibvirtFleet {
  readonly folder = mkdtempSync(join(tmpdir(), "ek-lv-"));
  readonly fleet: AgentFleet;
  readonly hosts: readonly LibvirtHost[];
  readonly gates: RpcGate[] = [];
  readonly #kernel = labGuest();
  readonly #isGated: boolean;
  readonly #guard = startGuard(this.folder, "");

  private constructor(options: LibvirtFleetOptions) {
    const { count, bandwidthMiBps = 0, unconfigured, ownUsers } = options;
    this.#isGated = unconfigured === undefined && ownUsers === undefined;
    const isOwn = (number: number) => number <= (ownUsers ?? 0);
    const hypervisor = {
      driver: "libvirt",
      storageRoots: [labGuestFolder, LOCAL_IMAGES],
      copiedRoots: [LOCAL_IMAGES],
    };
    const enter = (number: number) => [
      ...this.#host(number).enter,
      ...(isOwn(number) ? asOwnUser : []),
    ];
    this.fleet = new AgentFleet(
      unconfigured
        ? {
            count,
            network: "namespaces",
            settings: { hypervisor, capacity: unconfigured.capacity },
            enter,
          }
        : {
            count,
            network: "loopback",
            settings: { migration: { bandwidthMiBps, noProgressSeconds: 10 } },
            settingsOf: (number) => ({
              hypervisor: {
                ...hypervisor,
                ...(this.#isGated && { uri: this.#gateUri(number) }),
                accelerator: "tcg",
              },
            }),
            enter,
            ownerOf: (number) => (isOwn(number) ? USERS.agent : undefined),
          },
    );
    this.hosts = Array.from({ length: count }, (_, i) => {
      const name = `ek-lv${i + 1}`;
      const folder = join(this.folder, `lv${i + 1}`);
      const commandOn = (command: readonly string[]) => this.fleet.commandOn(i + 1, command);
      return new LibvirtHost({
        folder,
        name,
        commandOn,
        ...(ownUsers !== undefined && { users: USERS }),
      });
    });
  }

  static async make(options: LibvirtFleetOptions): Promise<LibvirtFleet> {
    const made = new LibvirtFleet(options);
    try {
      const begun = options.unconfigured?.begun ?? options.count;
      for (let number = 1; number <= begun; number += 1) await made.#startDaemon(number);
      await Promise.all(made.fleet.hosts.slice(0, begun).map((host) => host.start()));
      await made.fleet.joined();
    } catch (error) {
      await made.close();
      throw error;
    }
    return made;
  }

  /** One more host: its daemon, its agent, and all the others know it. */
  async start(number: number): Promise<void> {
    await this.#startDaemon(number);
    await this.fleet.host(number).start();
    await this.fleet.joined();
  }

  /** Defines and boots VMs on a host of this number, from 1; resolves when all of them count. */
  async boot(vms: string | readonly string[], number: number, dirtyMiB = 24): Promise<void> {
    const { api } = this.fleet.host(number);
    const names = [vms].flat();
    for (const vm of names) {
      await api.post("/v1/vms", this.spec(vm, dirtyMiB));
      await api.post(`/v1/vms/${vm}/start`);
    }
    for (const vm of names) await this.counts(vm);
  }

  /** An image on a host's own storage, as it is reached from outside. */
  localImage(vm: string, number: number): string {
    return this.#host(number).seen(`${LOCAL_IMAGES}/${vm}.qcow2`);
  }

  /** The same for one VM that writes its counts to a disk on its host's own storage. */
  async bootWithDisk(vm: string, number: number): Promise<void> {
    for (const host of this.hosts) mkdirSync(host.seen(LOCAL_IMAGES), { recursive: true });
    const path = this.makeLocalImage(`${vm}.qcow2`, number, DISK_MIB);
    const { kernel, ...spec } = this.spec(vm);
    const cmdline = `${kernel.cmdline} disk=1 log=1`;
    const { api } = this.fleet.host(number);
    const disks = [{ path, format: "qcow2" }];
    await api.post("/v1/vms", { ...spec, kernel: { ...kernel, cmdline }, disks });
    await api.post(`/v1/vms/${vm}/start`);
    await this.counts(vm);
  }

  /** A VM as its file says it. */
  spec(vm: string, dirtyMiB = 24) {
    const { kernel: path, initrd } = this.#kernel;
    const cmdline = `${CONSOLE} dirty=${dirtyMiB} rate=20 load=3`;
    const kernel = { path, initrd, cmdline };
    return { name: vm, vcpus: 1, memory: `${MEMORY_MIB}MiB`, machine: "pc", kernel };
  }

  /** Makes an image on a host's own storage, a part of it written. */
  makeLocalImage(name: string, number: number, writtenMiB: number): string {
    const host = this.#host(number);
    const path = `${LOCAL_IMAGES}/${name}`;
    mkdirSync(host.seen(LOCAL_IMAGES), { recursive: true });
    execFileSync("qemu-img", ["create", "-q", "-f", "qcow2", host.seen(path), "128M"]);
    const write = ["-c", `write -P 7 0 ${writtenMiB}M`, host.seen(path)];
    execFileSync("qemu-io", write, { stdio: "pipe" });
    return path;
  }

  /** Lets the agents, that are no root, write where local images lie. */
  giveLocalImages(): void {
    for (const host of this.hosts) {
      mkdirSync(host.seen(LOCAL_IMAGES), { recursive: true });
      chownSync(host.seen(LOCAL_IMAGES), USERS.agent, USERS.agent);
    }
  }

  /** Boots a guest with virsh alone, as an admin does; resolves when it counts. */
  async bootByHand(vm: string, number: number, disks: VmSpec["disks"] = []): Promise<void> {
    const host = this.#host(number);
    const path = join(this.folder, `${vm}.xml`);
    const kernel = { path: this.#kernel.kernel, initrd: this.#kernel.initrd, cmdline: CONSOLE };
    const spec: VmSpec = {
      ...labSpec(vm, this.#kernel),
      machine: "pc",
      memoryBytes: MEMORY_MIB << 20,
      kernel,
      disks,
    };
    writeFileSync(path, domainXml({ spec, accelerator: "tcg", cpuModel: null }));
    host.virsh("create", path);
    await this.counts(vm);
  }

  /** Resolves when the guest has counted on from where it was. */
  async counts(vm: string): Promise<void> {
    const before = await this.count(vm);
    await eventually(`${vm} counts on`, async () => (await this.count(vm)) > before + 1, STEP);
  }

  async count(vm: string): Promise<number> {
    return (await this.serial(vm)).counts.at(-1) ?? -1;
  }

  serial(vm: string): Promise<FleetSerialCounts> {
    return fleetSerialCounts(this.hosts.map((host) => host.serialPath(vm)));
  }

  /** Numbers of the hosts on which the VM has a process. */
  processes(vm: string): readonly number[] {
    return this.hosts.flatMap((host, i) => (host.guestPid(vm) === undefined ? [] : [i + 1]));
  }

  /** Orders a move between hosts of these numbers; resolves when it is taken, or the one asked died. */
  async order(vm: string, from: number, to: number): Promise<void> {
    const body = { target: this.fleet.host(to).name };
    const { api } = this.fleet.host(from);
    const isTaken = async () => {
      const answer = await api.ask(`/v1/vms/${vm}/migrate`, body).catch(() => undefined);
      if (answer === undefined || answer.status < 300) return true;
      throw new Error(answer.text);
    };
    // The VM's load and the other host's size have to be known first.
    await eventually(`the order to move ${vm} is taken`, isTaken, { ...STEP, pollMs: 500 });
  }

  /** Resolves when so many moves of the VM have succeeded and both ends are done with the last. */
  async movesEnd(vm: string, count: number): Promise<void> {
    await eventually(
      `${vm} has moved ${count} times`,
      async () => {
        for (const { api } of this.fleet.hosts) {
          const { moves } = await api.status();
          const ended = (await api.history()).filter((move) => move.vm === vm);
          if (moves.some((move) => move.vm === vm)) return false;
          if (ended.filter(({ result }) => result === "moved").length < count) return false;
        }
        return true;
      },
      STEP,
    );
  }

  /** Resolves with the reason when a move of the VM has failed. */
  async moveFails(vm: string): Promise<string> {
    let reason = "";
    await eventually(
      `a move of ${vm} has failed`,
      async () => {
        const all = await Promise.all(this.fleet.hosts.map(({ api }) => api.history()));
        const failed = all.flat().filter((move) => move.vm === vm && move.result !== "moved");
        reason = failed.map(({ detail }) => detail).join("; ");
        return failed.length > 0;
      },
      STEP,
    );
    return reason;
  }

  async close(): Promise<void> {
    await Promise.all(this.fleet.hosts.map((host) => host.kill()));
    for (const gate of this.gates) await gate.close();
    for (const host of this.hosts) await host.close();
    await this.fleet.close();
    this.#guard.ref();
    const gone = new Promise((resolve) => this.#guard.once("exit", resolve));
    this.#guard.stdin?.end();
    await gone;
  }

  async #startDaemon(number: number): Promise<void> {
    const host = this.#host(number);
    await host.start();
    if (!this.#isGated) return;
    const daemon = host.seen("/run/libvirt/libvirt-sock");
    this.gates.push(await RpcGate.open(this.#gatePath(number), daemon));
  }

  #gateUri(number: number): string {
    return `qemu+unix:///system?socket=${this.#gatePath(number)}`;
  }

  #gatePath(number: number): string {
    return join(this.folder, `gate${number}.sock`);
  }

  #host(number: number): LibvirtHost {
    const host = this.hosts[number - 1];
    if (!host) throw new Error(`there is no host ${number}`);
    return host;
  }
}
