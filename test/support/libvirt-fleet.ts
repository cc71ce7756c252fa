import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { consolePath } from "#agent/hypervisor/libvirt/domain-xml.ts";
import { AgentFleet } from "./agent-fleet.ts";
import { eventually } from "./eventually.ts";
import { startGuard } from "./fleet-guard.ts";
import { type FleetSerialCounts, fleetSerialCounts } from "./fleet-serial-counts.ts";
import { labGuest, labGuestFolder } from "./lab-guest.ts";
import { LibvirtHost } from "./libvirt-host.ts";
import { RpcGate } from "./rpc-gate.ts";

const CONSOLE = "console=ttyS0 quiet panic=-1 no_timer_check tsc=reliable";
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
    const { kernel: path, initrd } = this.#kernel;
    const cmdline = `${CONSOLE} dirty=${dirtyMiB} rate=20 load=3`;
    const kernel = { path, initrd, cmdline };
    const { api } = this.fleet.host(number);
    await api.post("/v1/vms", { name: vm, vcpus: 1, memory: "96MiB", machine: "pc", kernel });
    await api.post(`/v1/vms/${vm}/start`);
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
