import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { consolePath, domainXml } from "#agent/hypervisor/libvirt/domain-xml.ts";
import type { VmSpec } from "#lib/model/vm-spec.ts";
import { AgentFleet } from "./agent-fleet.ts";
import { eventually } from "./eventually.ts";
import { startGuard } from "./fleet-guard.ts";
import { type FleetSerialCounts, fleetSerialCounts } from "./fleet-serial-counts.ts";
import { labGuest, labGuestFolder, labSpec } from "./lab-guest.ts";
import { LibvirtHost } from "./libvirt-host.ts";
import { RpcGate } from "./rpc-gate.ts";

const CONSOLE = "console=ttyS0 quiet panic=-1 no_timer_check tsc=reliable";
const MEMORY_MIB = 96;
const STEP = { limitMs: 90_000, pollMs: 100 };

export interface LibvirtFleetOptions {
  readonly count: number;
  readonly bandwidthMiBps?: number;
}

/**
 * Real agents, each on a host with a libvirtd of its own, as their settings would have it on any
 * host: only the socket of libvirtd is led through a gate, so that faults strike at exact moments.
 */
export class LibvirtFleet {
  readonly folder = mkdtempSync(join(tmpdir(), "ek-lv-"));
  readonly fleet: AgentFleet;
  readonly hosts: readonly LibvirtHost[];
  readonly gates: RpcGate[] = [];
  readonly #kernel = labGuest();
  readonly #guard = startGuard(this.folder, "");

  private constructor({ count, bandwidthMiBps = 0 }: LibvirtFleetOptions) {
    this.fleet = new AgentFleet({
      count,
      network: "loopback",
      settings: { migration: { bandwidthMiBps, noProgressSeconds: 10 } },
      settingsOf: (number) => ({ hypervisor: this.#hypervisor(number) }),
      enter: (number) => this.#host(number).enter,
    });
    this.hosts = Array.from(
      { length: count },
      (_, i) => new LibvirtHost({ folder: join(this.folder, `lv${i + 1}`), name: `ek-lv${i + 1}` }),
    );
  }

  static async make(options: LibvirtFleetOptions): Promise<LibvirtFleet> {
    const made = new LibvirtFleet(options);
    try {
      for (const [i, host] of made.hosts.entries()) {
        await host.start();
        const daemon = host.seen("/run/libvirt/libvirt-sock");
        made.gates.push(await RpcGate.open(made.#gatePath(i + 1), daemon));
      }
      await made.fleet.startAll();
      await made.fleet.joined();
    } catch (error) {
      await made.close();
      throw error;
    }
    return made;
  }

  /** Defines and boots a VM on a host of this number, from 1; resolves when it counts. */
  async boot(vm: string, number: number, dirtyMiB = 24): Promise<void> {
    const { api } = this.fleet.host(number);
    await api.post("/v1/vms", this.spec(vm, dirtyMiB));
    await api.post(`/v1/vms/${vm}/start`);
    await this.counts(vm);
  }

  /** A VM as its file says it. */
  spec(vm: string, dirtyMiB = 24): Readonly<Record<string, unknown>> {
    const { kernel: path, initrd } = this.#kernel;
    const cmdline = `${CONSOLE} dirty=${dirtyMiB} rate=20 load=3`;
    const kernel = { path, initrd, cmdline };
    return { name: vm, vcpus: 1, memory: `${MEMORY_MIB}MiB`, machine: "pc", kernel };
  }

  /** Boots a guest with virsh alone, as an admin does; resolves when it counts. */
  async bootByHand(vm: string, number: number): Promise<void> {
    const host = this.#host(number);
    const path = join(this.folder, `${vm}.xml`);
    const kernel = { path: this.#kernel.kernel, initrd: this.#kernel.initrd, cmdline: CONSOLE };
    const spec: VmSpec = {
      ...labSpec(vm, this.#kernel),
      machine: "pc",
      memoryBytes: MEMORY_MIB << 20,
      kernel,
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
    return fleetSerialCounts(this.hosts.map((host) => host.seen(consolePath(vm))));
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

  #hypervisor(number: number) {
    const uri = `qemu+unix:///system?socket=${this.#gatePath(number)}`;
    return { driver: "libvirt", uri, storageRoots: [labGuestFolder], accelerator: "tcg" };
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
