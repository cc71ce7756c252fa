// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders of service files.
import { Node } from "#lib/core/node.ts";
import type { ServiceSpec } from "#lib/model/service.ts";
import { CheckedWorld } from "#lib/simulation/checked-world.ts";
import { simServiceSpec } from "#lib/simulation/sim-service.ts";
import { SimulationFailure } from "#lib/simulation/simulation-failure.ts";
import { CrowdDemand } from "./crowd-demand.ts";
import type { StewardFigures, StewardMeter } from "./steward-meter.ts";

export interface ServiceRunOptions {
  readonly hosts: number;
  readonly services: number;
  /** On how many hosts each service is staged. */
  readonly staged: number;
  readonly switches: number;
  /** Services that the crowd comes to, all at once. */
  readonly crowds: number;
  readonly seed: number;
  readonly say: (line: string) => void;
}

/** What a host says and costs a second, on average over a stretch of virtual time. */
interface Stretch {
  readonly messages: number;
  readonly bytes: number;
  /** CPU of the whole simulation, checkers included, µs. */
  readonly cpuUs: number;
}

export interface ServiceRun {
  readonly hosts: number;
  readonly services: number;
  /** Virtual seconds from the last apply until all are staged and serve; null: not within the limit. */
  readonly stagedSeconds: number | null;
  /** The same from the crowd until each service's load is under its target. */
  readonly absorbedSeconds: readonly (number | null)[];
  readonly without: Stretch;
  readonly calm: Stretch & { readonly stewards: StewardFigures };
  readonly crowd: Stretch & { readonly stewards: StewardFigures };
  /** What the checkers said; the first one ends a run. */
  readonly violations: readonly string[];
}

const memberShare = 0.6;
const calmCores = 0.5;
const crowdFactor = 5;
const runningMax = 5;
const connectionsPerMember = 20;
/** Agents know each other after this long, virtual ms. */
const joinMs = 90_000;
const talkMs = 20_000;
const applyGapMs = 50;
const stagedMsMax = 600_000;
const crowdMs = 60_000;
const lookMs = 250;
const settledMsMax = 60_000;

/** One cluster: joined, measured without services, then with them in calm, then with the crowd. */
export class ServiceScaleRun {
  readonly #options: ServiceRunOptions;
  readonly #world: CheckedWorld;
  readonly #demand: CrowdDemand;
  readonly #meter: StewardMeter;
  readonly #specs: readonly ServiceSpec[];

  constructor(options: ServiceRunOptions, meter: StewardMeter) {
    const { hosts, services, switches, seed } = options;
    this.#options = options;
    this.#meter = meter;
    this.#demand = new CrowdDemand(switches);
    this.#world = new CheckedWorld({
      seed,
      scenario: "bench-services",
      makeNode: (nodeOptions) => new Node(nodeOptions),
      hosts: Array.from({ length: hosts }, (_, at) => machineOf(at)),
      workload: this.#demand,
      hostingOf: (at) => ({
        overlayFolder: "/srv/members",
        diskBytesMax: 2 ** 33,
        hasSwitch: at < switches,
      }),
      sessionDemand: (backend) => this.#demand.sessionsOf(backend),
    });
    this.#demand.watch(this.#world);
    this.#specs = Array.from({ length: services }, (_, at) => specOf(at, options.staged));
    for (const { name } of this.#specs) this.#demand.set(name, calmCores);
  }

  run(): ServiceRun {
    const { hosts, services } = this.#options;
    this.#world.presetMode("act");
    this.#world.startAll();
    this.#measure("joining", () => this.#world.runFor(joinMs));
    const without = this.#measure("without services", () => this.#world.runFor(talkMs));
    let stagedSeconds: number | null = null;
    this.#measure("staging", () => {
      stagedSeconds = this.#stage();
    });
    this.#meter.take();
    const calm = this.#measure("calm", () => this.#world.runFor(talkMs));
    const calmStewards = this.#meter.take();
    const absorbed = new Map<string, number>();
    const crowd = this.#measure("crowd", () => this.#crowd(absorbed));
    const crowdStewards = this.#meter.take();
    const crowded = this.#crowded();
    return {
      hosts,
      services,
      stagedSeconds,
      absorbedSeconds: crowded.map((name) => absorbed.get(name) ?? null),
      without,
      calm: { ...calm, stewards: calmStewards },
      crowd: { ...crowd, stewards: crowdStewards },
      violations: this.#violations(),
    };
  }

  #measure(what: string, run: () => void): Stretch {
    const { network, clock } = this.#world;
    const { sentMessages, sentBytes } = network;
    const { nowMs } = clock;
    const cpuBefore = process.cpuUsage();
    this.#world.guarded(run);
    const cpu = process.cpuUsage(cpuBefore);
    const cpuSeconds = (cpu.user + cpu.system) / 1e6;
    const hostSeconds = (this.#options.hosts * (clock.nowMs - nowMs)) / 1_000;
    const stretch = {
      messages: (network.sentMessages - sentMessages) / hostSeconds,
      bytes: (network.sentBytes - sentBytes) / hostSeconds,
      cpuUs: (cpuSeconds * 1e6) / hostSeconds,
    };
    const virtual = ((clock.nowMs - nowMs) / 1_000).toFixed(0);
    this.#options.say(
      `${what}: ${virtual} virtual s, ${cpuSeconds.toFixed(1)} CPU s (${stretch.cpuUs.toFixed(0)} us a host and second), ` +
        `${stretch.messages.toFixed(2)} messages and ${stretch.bytes.toFixed(0)} B a host and second`,
    );
    return stretch;
  }

  /** Declares all services, each at another host; seconds from the last until all serve. */
  #stage(): number | null {
    const world = this.#world;
    const { hosts } = world;
    const replies = this.#specs.map((spec, at) => {
      const reply = world.ask(hosts[(at * 7) % hosts.length] ?? "", { verb: "serviceApply", spec });
      world.runFor(applyGapMs);
      return reply;
    });
    const startedMs = world.clock.nowMs;
    const isStaged = () => this.#specs.every(({ name }) => this.#isStaged(name));
    while (!isStaged()) {
      if (world.clock.nowMs - startedMs > stagedMsMax) return null;
      world.runFor(lookMs);
    }
    const refused = replies.map((reply) => reply()).find((reply) => (reply?.status ?? 500) >= 300);
    if (refused) throw new Error(`a service was refused: ${refused.message}`);
    return (world.clock.nowMs - startedMs) / 1_000;
  }

  #isStaged(service: string): boolean {
    const { staged, hosts } = this.#options;
    const running = this.#demand.running(service).size;
    const all = running + this.#demand.asleep(service).size;
    return running > 0 && all >= Math.min(staged, hosts) && this.#serving(service) === running;
  }

  #crowded(): readonly string[] {
    const step = Math.max(1, Math.floor(this.#specs.length / this.#options.crowds));
    const every = this.#specs.filter((_, at) => at % step === 0);
    return every.slice(0, this.#options.crowds).map(({ name }) => name);
  }

  /** The crowd comes to its services at one moment, and stays. */
  #crowd(absorbed: Map<string, number>): void {
    const world = this.#world;
    const crowded = this.#crowded();
    for (const name of crowded) this.#demand.set(name, calmCores * crowdFactor);
    const startedMs = world.clock.nowMs;
    while (world.clock.nowMs - startedMs < crowdMs) {
      world.runFor(lookMs);
      for (const name of crowded) {
        const share = this.#demand.demandOf(name) / Math.max(1, this.#serving(name));
        if (absorbed.has(name) || share > memberShare) continue;
        absorbed.set(name, (world.clock.nowMs - startedMs) / 1_000);
      }
    }
  }

  /** Members that run and that every switch sends requests. */
  #serving(service: string): number {
    const switches = this.#world.hosts.slice(0, this.#options.switches);
    const members = [...this.#demand.running(service)];
    return members.filter((vm) => switches.every((at) => this.#world.switchOf(at)?.sends(vm)))
      .length;
  }

  /** What the checkers of services say of the end; those that judge every step end the run. */
  #violations(): readonly string[] {
    try {
      this.#measure("settling", () =>
        this.#world.settleOn(["service-rules", "service-bounds", "service-switches"], settledMsMax),
      );
      return [];
    } catch (error) {
      if (error instanceof SimulationFailure) return [error.message];
      throw error;
    }
  }
}

function machineOf(at: number) {
  const gibibyte = 2 ** 30;
  return {
    // Two numbers of an address: it is the service's own network that they are in.
    name: `${Math.floor(at / 250)}.${(at % 250) + 1}`,
    cpuCapacityCores: 8,
    memoryCapacityBytes: 32 * gibibyte,
    reservedMemoryBytes: 2 * gibibyte,
  };
}

function specOf(at: number, staged: number): ServiceSpec {
  const name = `s${at}`;
  const spec = simServiceSpec({ name, hosts: 0, net: at });
  return {
    ...spec,
    template: {
      ...spec.template,
      memoryBytes: 256 * 2 ** 20,
      kernel: spec.template.kernel && { ...spec.template.kernel, cmdline: "quiet" },
    },
    endpoint: { address: `${10 + at}.9.\${host}`, port: "80" },
    stagedMax: staged,
    running: { min: 1, max: runningMax },
    target: { kind: "cpuShare", share: memberShare },
    connectionsPerMember,
  };
}
