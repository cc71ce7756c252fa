// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders of service files.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AgentFleet } from "./agent-fleet.ts";
import type { AgentHost } from "./agent-host.ts";
import { eventually } from "./eventually.ts";
import { showLogs } from "./fleet-in-test.ts";
import { FrontLoad } from "./front-load.ts";
import { FrontSwitch } from "./front-switch.ts";
import { labGuestFolder, labKernelTemplate } from "./lab-guest.ts";
import { MemberWatch } from "./member-watch.ts";
import { ServiceStory } from "./service-story.ts";

const COUNT = 3;
const STAGE_MS_MAX = 160_000;
const CONSOLE = "console=ttyS0 quiet panic=-1 no_timer_check tsc=reliable";
/** Each request takes 50 ms, and sixteen at a time are taken: far more than is asked. */
const WORK = "50,16";

export interface ServiceRigOptions {
  /** What differs from the rig's own service `web`. */
  readonly service?: Readonly<Record<string, unknown>>;
  /** What a member's web server is capable of: scripts/lab/web.c. */
  readonly web?: string;
  /** Called before the agents start. */
  readonly prepare?: (fleet: AgentFleet) => void;
  /** The hosts (from 1) that have a switch. */
  readonly switches?: readonly number[];
}

/** A member as `service show --json` prints it. */
export interface MemberShown {
  /** The host's name. */
  readonly host: string;
  readonly hostState: "live" | "suspect" | "gone";
  readonly state: string;
  readonly obstacle: string;
}

interface ServiceShown {
  readonly members: readonly MemberShown[];
  readonly steward: string | null;
  readonly lastRefusal: string;
}

/**
 * Three hosts in namespaces, each with a bridge that its member is attached to, a real HAProxy on
 * some of them, and one service `web`. All along a watch looks that no member runs twice.
 */
export class ServiceRig {
  readonly fleet: AgentFleet;
  readonly watch: MemberWatch;
  readonly story: ServiceStory;
  readonly fronts = new Map<number, FrontSwitch>();
  readonly #folder: string;
  readonly #options: ServiceRigOptions;
  readonly #loads: FrontLoad[] = [];

  private constructor(options: ServiceRigOptions) {
    this.#options = options;
    this.#folder = mkdtempSync(join(tmpdir(), "eks-"));
    this.fleet = new AgentFleet({
      count: COUNT,
      network: "bridges",
      settings: {
        hypervisor: { driver: "qemu", storageRoots: [labGuestFolder], bridges: ["br0"] },
        capacity: { cpuCores: 2, memoryMiB: 1024 },
      },
      settingsOf: (number) =>
        this.#hasSwitch(number) ? { switch: { haproxySocket: this.#place(number, "admin") } } : {},
    });
    this.watch = new MemberWatch(this.fleet);
    this.story = new ServiceStory(this);
  }

  /** Resolves when all members are staged and `min` of them serve. */
  static async make(options: ServiceRigOptions = {}): Promise<ServiceRig> {
    const rig = new ServiceRig(options);
    try {
      await rig.#begin();
    } catch (error) {
      await rig.close();
      throw error;
    }
    return rig;
  }

  get hosts(): readonly AgentHost[] {
    return this.fleet.hosts;
  }

  numberOf(host: AgentHost): number {
    return this.hosts.indexOf(host) + 1;
  }

  named(name: string): AgentHost {
    const host = this.hosts.find((one) => one.name === name);
    if (!host) throw new Error(`no host ${name}`);
    return host;
  }

  front(number: number): FrontSwitch {
    const front = this.fronts.get(number);
    if (!front) throw new Error(`host ${number} has no switch`);
    return front;
  }

  /** Asks through the switch of a host from now on. */
  load(number: number, perSecond: number): FrontLoad {
    const load = new FrontLoad(this.front(number).frontPath, perSecond);
    this.#loads.push(load);
    return load;
  }

  /** What a host says of the service. */
  async show(host: AgentHost): Promise<ServiceShown> {
    const { service } = await host.api.get<{ service: ServiceShown }>("/v1/services/web");
    return service;
  }

  /** The members on hosts that this host holds to be live. */
  async members(host: AgentHost): Promise<readonly MemberShown[]> {
    return (await this.show(host)).members.filter(({ hostState }) => hostState === "live");
  }

  /** States of those members in order, as "running suspended". */
  async states(host: AgentHost): Promise<string> {
    const states = (await this.members(host)).map(({ state }) => state);
    return states.sort().join(" ");
  }

  /** Until each of the hosts says so of the members on the hosts it holds live; how long, ms. */
  settled(states: string, hosts = this.hosts, limitMs = STAGE_MS_MAX): Promise<number> {
    return eventually(
      `${hosts.map(({ name }) => name).join(", ")} say: ${states}`,
      async () => {
        const said = await Promise.all(hosts.map((host) => this.states(host)));
        if (said.every((text) => text === states)) return true;
        throw new Error(`they say: ${said.join("; ")}`);
      },
      { limitMs },
    );
  }

  /** Names of the hosts whose guests' processes run. */
  running(): readonly string[] {
    return this.hosts.flatMap((host) => host.guests().map(() => host.name));
  }

  /** States of the servers at a host's switch, by the name of the member's host. */
  async atSwitch(number: number): Promise<Readonly<Record<string, string>>> {
    const servers = await this.front(number).servers();
    return Object.fromEntries(
      servers.map(({ address, state }) => [this.#hostAt(address ?? ""), state]),
    );
  }

  /** The host of a server by its name. */
  async hostOf(server: string, number: number): Promise<string> {
    const found = (await this.front(number).servers()).find(({ name }) => name === server);
    return this.#hostAt(found?.address ?? "");
  }

  scale(bounds: { min?: number; max?: number }, host = this.fleet.host(1)): Promise<unknown> {
    return host.api.post("/v1/services/web/scale", bounds);
  }

  /** To be called after each test: what must never be was not, and a failure is explained. */
  review(failed: boolean): void {
    const story = this.story.take();
    if (failed) {
      showLogs(this.fleet);
      console.log(story);
    }
    if (this.watch.wrongs.length > 0) throw new Error(this.watch.wrongs.join("\n"));
  }

  async close(): Promise<void> {
    await Promise.all(this.#loads.map((load) => load.stop()));
    this.watch.stop();
    this.story.stop();
    for (const front of this.fronts.values()) await front.halt();
    await this.fleet.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #begin(): Promise<void> {
    for (const number of this.#options.switches ?? [1, 2]) {
      const commandOn = (command: readonly string[]) => this.fleet.commandOn(number, command);
      this.fronts.set(number, await FrontSwitch.start(this.#place(number), commandOn));
    }
    this.#options.prepare?.(this.fleet);
    await this.fleet.startAll();
    await this.fleet.joined();
    await this.fleet.host(1).api.post("/v1/mode", { mode: "act" });
    const { service: changes = {}, web = WORK } = this.#options;
    const service = serviceOf(`${CONSOLE} net=1 gip=\${address} web=${web}`, changes);
    await this.fleet.host(1).api.post("/v1/services", service);
    const { min } = service.running;
    const states = Array.from({ length: COUNT }, (_, at) => (at < min ? "running" : "suspended"));
    await this.settled(states.join(" "));
  }

  #hasSwitch(number: number): boolean {
    return (this.#options.switches ?? [1, 2]).includes(number);
  }

  #place(number: number, ...parts: string[]): string {
    return join(this.#folder, String(number), ...parts);
  }

  #hostAt(address: string): string {
    return this.hosts.find((_, at) => addressOf(at + 1) === address)?.name ?? address;
  }
}

function addressOf(number: number): string {
  return `10.98.0.${100 + number}`;
}

function serviceOf(cmdline: string, changes: Readonly<Record<string, unknown>>) {
  const numbers = Array.from({ length: COUNT }, (_, at) => at + 1);
  return {
    name: "web",
    template: {
      memory: "96MiB",
      machine: "q35",
      kernel: labKernelTemplate(cmdline),
      network: { kind: "bridge", bridge: "br0" },
    },
    endpoint: { address: "${address}", port: 80 },
    hosts: Object.fromEntries(numbers.map((at) => [`n${at}`, { address: addressOf(at) }])),
    running: { min: 1, max: 3 },
    // So high that no queue of requests, as at a switch that is cut off, asks for a member.
    target: { sessionsPerMember: 1_000 },
    health: { path: "/health" },
    drain: "2s",
    settle: "2s",
    switch: { backend: "web" },
    ...changes,
  } as { running: { min: number; max: number } };
}
