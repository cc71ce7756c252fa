import { execFile } from "node:child_process";
import { dirname } from "node:path";
import { promisify } from "node:util";
import type { VmSpec } from "#lib/model/vm-spec.ts";
import { AgentFleet } from "../../test/support/agent-fleet.ts";
import { eventually } from "../../test/support/eventually.ts";
import type { LibvirtRig } from "../../test/support/libvirt-rig.ts";
import { builtEntries } from "./built-entries.ts";

const run = promisify(execFile);
const MIB = 1 << 20;
const READY = { limitMs: 90_000, pollMs: 200 };

/** Two bundled agents on the rig's two libvirtds, each on its host, ordered about by the command. */
export class LibvirtAgents {
  readonly #fleet: AgentFleet;
  readonly #spec: VmSpec;

  private constructor(fleet: AgentFleet, spec: VmSpec) {
    this.#fleet = fleet;
    this.#spec = spec;
  }

  /** With the VM running at the source, after one way there and back. */
  static async start({ hosts }: LibvirtRig, spec: VmSpec): Promise<LibvirtAgents> {
    const places = [hosts.source, hosts.target];
    const fleet = new AgentFleet({
      count: places.length,
      network: "loopback",
      from: "bundle",
      settingsOf: (number) => ({
        hypervisor: {
          driver: "libvirt",
          uri: places[number - 1]?.uri,
          accelerator: "tcg",
          storageRoots: [dirname(spec.kernel?.path ?? "/")],
        },
        log: { level: "warn" },
      }),
      enter: (number) => places[number - 1]?.enter ?? [],
    });
    const agents = new LibvirtAgents(fleet, spec);
    try {
      await fleet.startAll();
      await fleet.joined();
      await agents.#boot();
      await agents.#warmUp();
    } catch (error) {
      await agents.close();
      throw error;
    }
    return agents;
  }

  /** `evenkeel migrate` to the host of this number, with all that an admin waits for. */
  async migrate(to: number): Promise<void> {
    const from = this.#fleet.host(3 - to);
    const words = [
      "--socket",
      from.socketPath,
      "migrate",
      this.#spec.name,
      this.#fleet.host(to).name,
    ];
    await run(process.execPath, [builtEntries.cli, ...words]);
  }

  /** Until the host of this number owns the VM and would take the next order. */
  async settled(number: number): Promise<void> {
    const { api, name } = this.#fleet.host(number);
    await eventually(
      `${name} has ${this.#spec.name}`,
      async () => {
        const vm = (await api.vms()).find((one) => one.name === this.#spec.name);
        return vm?.host === name && vm.state === "running" && vm.moveId === null;
      },
      READY,
    );
  }

  close(): Promise<void> {
    return this.#fleet.close();
  }

  async #boot(): Promise<void> {
    const { name, memoryBytes, vcpus, machine, kernel } = this.#spec;
    const { api } = this.#fleet.host(1);
    const memory = `${memoryBytes / MIB}MiB`;
    await api.post("/v1/vms", { name, vcpus, memory, machine, kernel });
    await api.post(`/v1/vms/${name}/start`);
    await this.settled(1);
  }

  /** The VM's load and the other host's size have to be known before the first order is taken. */
  async #warmUp(): Promise<void> {
    const isMoved = async () => {
      try {
        await this.migrate(2);
        return true;
      } catch (error) {
        if (/measured|known/.test(String(error))) return false;
        throw error;
      }
    };
    await eventually("the first order is taken", isMoved, { ...READY, pollMs: 500 });
    await this.settled(2);
    await this.migrate(1);
    await this.settled(1);
  }
}
