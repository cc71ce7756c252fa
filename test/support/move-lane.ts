import type { StatusAnswer } from "./agent-api.ts";
import { AgentFleet } from "./agent-fleet.ts";
import type { AgentHost } from "./agent-host.ts";
import { eventually } from "./eventually.ts";

/** Memory of a guest and speed of the link, so that a transfer takes more than a second. */
const GUEST = "dirty=16 load=1";
const BANDWIDTH_MIBPS = 32;
/** Guests that get known to their host while others move: a new one cannot be moved for seconds. */
const WARM_GUESTS = 3;

/** Two real agents with simulated guests, in namespaces, between which VMs are moved and struck. */
export class MoveLane {
  readonly fleet: AgentFleet;
  readonly source: AgentHost;
  readonly target: AgentHost;
  readonly #warm: string[] = [];
  #made = 0;

  constructor() {
    this.fleet = new AgentFleet({
      count: 2,
      network: "namespaces",
      settings: {
        capacity: { cpuCores: 1, memoryMiB: 16_384 },
        hypervisor: { driver: "sim" },
        migration: { bandwidthMiBps: BANDWIDTH_MIBPS },
      },
    });
    this.source = this.fleet.host(1);
    this.target = this.fleet.host(2);
  }

  async start(): Promise<this> {
    await this.fleet.startAll();
    await this.fleet.joined();
    while (this.#warm.length < WARM_GUESTS) await this.#warmUp();
    return this;
  }

  /** A running VM on the source host that no other cell has touched. */
  async takeVm(): Promise<string> {
    await this.#warmUp();
    const vm = this.#warm.shift();
    if (vm === undefined) throw new Error("no VM was made");
    return vm;
  }

  /** Orders the move, again and again until the source takes it up. */
  async order(vm: string): Promise<void> {
    const taken = async () =>
      (await this.source.api.ask(`/v1/vms/${vm}/migrate`, { target: this.target.name })).status <
      300;
    await eventually(`the move of ${vm} is taken up`, taken, { pollMs: 200 });
  }

  close(): Promise<void> {
    return this.fleet.close();
  }

  async #warmUp(): Promise<void> {
    this.#made += 1;
    const vm = `vm-${this.#made}`;
    const spec = { name: vm, memory: "64MiB", kernel: { path: "/boot/none", cmdline: GUEST } };
    await this.source.api.post("/v1/vms", spec);
    await this.source.api.post(`/v1/vms/${vm}/start`);
    this.#warm.push(vm);
  }
}

/** Phase of a VM's move as one agent shows it; undefined when it shows none. */
export async function phaseAt(host: AgentHost, vm: string): Promise<string | undefined> {
  return (await host.api.status()).moves.find((move) => move.vm === vm)?.phase;
}

export interface Counters {
  readonly proposalsReceived: number;
  readonly grants: number;
}

export async function countersOf(host: AgentHost): Promise<Counters> {
  return (await host.api.get<StatusAnswer & { counters: Counters }>("/v1/status")).counters;
}
