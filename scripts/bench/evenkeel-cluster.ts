import { setTimeout as pause } from "node:timers/promises";
import type { MemberAnswer } from "#agent/cli/answers.ts";
import { AgentFleet } from "../../test/support/agent-fleet.ts";
import type { AgentHost } from "../../test/support/agent-host.ts";
import { type ClusterFigures, rounded, spreadOf } from "./figures.ts";
import { cpuSecondsOf, residentMbOf } from "./process-figures.ts";

/** As systemd/evenkeel.service starts the agent. */
const NODE_FLAGS = "--max-semi-space-size=1 --max-old-space-size=96 --v8-pool-size=1";
const UNIT_ENVIRONMENT = { MALLOC_ARENA_MAX: "1" };
const GUESTS_PER_HOST = 3;
/** More at once would only make each slower. */
const STARTING_MAX = 4;
const JOIN_MS_MAX = 120_000;
/** Joins, first records and the first estimates of load are no steady state. */
const SETTLE_MS = 15_000;
const POLL_MS = 100;
const NEWS_TRIES = 3;
const NEWS_MS_MAX = 30_000;
const KILL_MS_MAX = 60_000;

export interface ClusterOptions {
  readonly members: number;
  readonly seconds: number;
  readonly say: (line: string) => void;
  /** Folder for a CPU profile of the first agent; null for none. */
  readonly profileFolder: string | null;
}

/** Measures a cluster of bundled agents on loopback, everything on, with simulated guests. */
export async function measureEvenkeel(options: ClusterOptions): Promise<ClusterFigures> {
  const fleet = new AgentFleet({
    count: options.members,
    network: "loopback",
    from: "bundle",
    settings: {
      hypervisor: { driver: "sim" },
      capacity: { cpuCores: 1, memoryMiB: 4096 },
      log: { level: "warn" },
    },
    environment: {
      ...UNIT_ENVIRONMENT,
      NODE_OPTIONS: `${NODE_FLAGS}${profileFlags(options.profileFolder)}`,
    },
  });
  try {
    return await new EvenkeelCluster(fleet, options).measure();
  } finally {
    await fleet.close();
  }
}

function profileFlags(folder: string | null): string {
  return folder === null ? "" : ` --cpu-prof --cpu-prof-dir=${folder}`;
}

class EvenkeelCluster {
  readonly #fleet: AgentFleet;
  readonly #options: ClusterOptions;

  constructor(fleet: AgentFleet, options: ClusterOptions) {
    this.#fleet = fleet;
    this.#options = options;
  }

  async measure(): Promise<ClusterFigures> {
    const { members, seconds, say } = this.#options;
    say(`evenkeel: starting ${members} agents`);
    await this.#start();
    say(`evenkeel: measuring for ${seconds} s`);
    const steady = await this.#steady();
    say("evenkeel: changing something on one host, and killing one");
    const events = { ...(await this.#news()), ...(await this.#kill()) };
    // A profile is written when the process ends by itself.
    if (this.#options.profileFolder !== null) await this.#fleet.host(1).kill("SIGTERM");
    return { members, seconds, ...steady, ...events };
  }

  async #start(): Promise<void> {
    const waiting = [...this.#fleet.hosts];
    const starter = async () => {
      for (let host = waiting.shift(); host; host = waiting.shift()) await host.start();
    };
    await Promise.all(Array.from({ length: STARTING_MAX }, starter));
    await this.#fleet.joined(JOIN_MS_MAX);
    for (const host of this.#fleet.hosts) await this.#startGuests(host);
    await this.#fleet.host(1).api.post("/v1/mode", { mode: "act" });
    await pause(SETTLE_MS);
  }

  async #startGuests({ name: host, api }: AgentHost): Promise<void> {
    for (let i = 1; i <= GUESTS_PER_HOST; i += 1) {
      const name = `${host}-web-${i}`;
      await api.post("/v1/vms", { name, memory: "128MiB" });
      await api.post(`/v1/vms/${name}/start`);
    }
  }

  /** Everything that is measured while nothing happens. */
  async #steady() {
    const { hosts } = this.#fleet;
    const doubts = await Doubts.follow(hosts);
    // The page for Prometheus loads its library at the first scrape: not within the window.
    const sentBefore = await sentBytes(hosts);
    const sinceMs = performance.now();
    const cpuBefore = hosts.map(({ pid }) => cpuSecondsOf(pid));
    await pause(this.#options.seconds * 1000);
    const elapsedSeconds = (performance.now() - sinceMs) / 1000;
    const cpuAfter = hosts.map(({ pid }) => cpuSecondsOf(pid));
    const rssMb = hosts.map(({ pid }) => residentMbOf(pid));
    const sentAfter = await sentBytes(hosts);
    doubts.stop();
    const rate = (after: readonly number[], before: readonly number[]) =>
      after.map((value, index) => (value - (before[index] ?? 0)) / elapsedSeconds);
    return {
      cpuPercent: spreadOf(rate(cpuAfter, cpuBefore).map((share) => share * 100)),
      rssMb: spreadOf(rssMb),
      sentBytesPerSecond: spreadOf(rate(sentAfter, sentBefore)),
      newsAgeSeconds: spreadOf(await newsAges(hosts)),
      falseSuspicions: doubts.times("member-suspect").length,
      falseDeaths: doubts.times("member-dead").length,
    };
  }

  /** Drains a host and takes it back: a change that everybody has to hear of. */
  async #news() {
    const [changed, ...others] = this.#fleet.hosts;
    if (changed === undefined) throw new RangeError("there is no host");
    const seconds: number[] = [];
    for (let attempt = 0; attempt < NEWS_TRIES; attempt += 1) {
      const draining = attempt % 2 === 0;
      const sinceMs = performance.now();
      await changed.api.post(`/v1/hosts/${changed.name}/${draining ? "drain" : "undrain"}`);
      await Promise.all(others.map((host) => untilSeen(host, { name: changed.name, draining })));
      seconds.push((performance.now() - sinceMs) / 1000);
    }
    return { newsEverywhereSeconds: spreadOf(seconds) };
  }

  async #kill() {
    const killed = this.#fleet.hosts.at(-1);
    if (killed === undefined) throw new RangeError("there is no host");
    const others = this.#fleet.hosts.filter((host) => host !== killed);
    const { host: id } = await killed.api.status();
    const doubts = await Doubts.follow(others, id);
    const sinceMs = performance.now();
    await killed.kill("SIGKILL");
    const isKnown = () => doubts.hostsThatSaid("member-dead") === others.length;
    while (!isKnown() && performance.now() - sinceMs < KILL_MS_MAX) await pause(POLL_MS);
    doubts.stop();
    const last = (times: readonly number[]) =>
      times.length < others.length ? null : rounded((Math.max(...times) - sinceMs) / 1000);
    return {
      killDoubtedSeconds: last(doubts.firstTimes(["member-suspect", "member-dead"])),
      killKnownSeconds: last(doubts.firstTimes(["member-dead"])),
    };
  }
}

interface Doubt {
  readonly by: string;
  readonly code: string;
  readonly atMs: number;
}

/** Suspicions and deaths as the agents tell them, from now on. */
class Doubts {
  readonly #heard: Doubt[] = [];
  readonly #stops: (() => void)[] = [];

  /** `about`: only those about this host. */
  static async follow(hosts: readonly AgentHost[], about?: string): Promise<Doubts> {
    const doubts = new Doubts();
    const wallMs = Date.now();
    for (const { name, api } of hosts) {
      const stop = await api.follow(({ at, code, facts }) => {
        // A new reader is first told what went before.
        if (Date.parse(at) < wallMs) return;
        if (about !== undefined && facts["host"] !== about) return;
        doubts.#heard.push({ by: name, code, atMs: performance.now() });
      });
      doubts.#stops.push(stop);
    }
    return doubts;
  }

  stop(): void {
    for (const stop of this.#stops) stop();
  }

  times(code: string): readonly number[] {
    return this.#heard.filter((doubt) => doubt.code === code).map(({ atMs }) => atMs);
  }

  hostsThatSaid(code: string): number {
    return this.firstTimes([code]).length;
  }

  /** When each host first said one of these, monotonic ms. */
  firstTimes(codes: readonly string[]): readonly number[] {
    const first = new Map<string, number>();
    for (const { by, code, atMs } of this.#heard) {
      if (codes.includes(code) && !first.has(by)) first.set(by, atMs);
    }
    return [...first.values()];
  }
}

function sentBytes(hosts: readonly AgentHost[]): Promise<readonly number[]> {
  return Promise.all(hosts.map(({ api }) => api.metric("evenkeel_sent_bytes_total")));
}

async function newsAges(hosts: readonly AgentHost[]): Promise<readonly number[]> {
  const lists = await Promise.all(hosts.map((host) => membersOf(host)));
  return lists
    .flat()
    .filter(({ self }) => !self)
    .map(({ ageMs }) => (ageMs ?? Number.POSITIVE_INFINITY) / 1000);
}

async function untilSeen(
  host: AgentHost,
  wanted: { readonly name: string; readonly draining: boolean },
): Promise<void> {
  const endMs = performance.now() + NEWS_MS_MAX;
  while (performance.now() < endMs) {
    const member = (await membersOf(host)).find(({ name }) => name === wanted.name);
    if (member?.draining === wanted.draining) return;
    await pause(POLL_MS);
  }
  throw new Error(`${host.name} did not hear of the change within ${NEWS_MS_MAX} ms`);
}

async function membersOf({ api }: AgentHost): Promise<readonly MemberAnswer[]> {
  return (await api.get<{ members: readonly MemberAnswer[] }>("/v1/members")).members;
}
