import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import type { ClusterOptions } from "./evenkeel-cluster.ts";
import { type ClusterFigures, rounded, spreadOf } from "./figures.ts";
import { cpuSecondsOf, residentMbOf } from "./process-figures.ts";

const PROGRAM = "serf";
const BIND_PORT = 7946;
const RPC_PORT = 7373;
const SETTLE_MS = 10_000;
const JOIN_MS_MAX = 60_000;
const POLL_MS = 100;
const NEWS_TRIES = 3;
const WAIT_MS_MAX = 60_000;

const run = promisify(execFile);

/** True where Debian's serf is installed. */
export async function isSerfHere(): Promise<boolean> {
  return await run(PROGRAM, ["version"]).then(
    () => true,
    () => false,
  );
}

/** The same measurements of as many serf agents on loopback, in its profile for local networks. */
export async function measureSerf(options: ClusterOptions): Promise<ClusterFigures> {
  const cluster = new SerfCluster(options);
  try {
    return await cluster.measure();
  } finally {
    cluster.remove();
  }
}

class SerfCluster {
  readonly #options: ClusterOptions;
  readonly #folder = mkdtempSync(join(tmpdir(), "ek-serf-"));
  readonly #agents: ChildProcess[] = [];

  constructor(options: ClusterOptions) {
    this.#options = options;
  }

  async measure(): Promise<ClusterFigures> {
    const { members, seconds, say } = this.#options;
    say(`serf: starting ${members} agents`);
    for (let index = 0; index < members; index += 1) this.#start(index);
    await this.#joined();
    await pause(SETTLE_MS);
    say(`serf: measuring for ${seconds} s`);
    const steady = await this.#steady();
    say("serf: changing something on one host, and killing one");
    return { members, seconds, ...steady, ...(await this.#news()), ...(await this.#kill()) };
  }

  remove(): void {
    for (const agent of this.#agents) agent.kill("SIGKILL");
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #start(index: number): void {
    const address = addressOf(index);
    // A line for each change that this agent sees: its time is when everybody has heard.
    const note = `echo "$SERF_EVENT $(date +%s%3N)" >>${this.#eventsOf(index)}`;
    const handler = join(this.#folder, `${index}.sh`);
    writeFileSync(handler, `${note}\n`, { mode: 0o700 });
    writeFileSync(this.#eventsOf(index), "");
    const args = [
      ...["agent", `-node=s${index}`, `-bind=${address}:${BIND_PORT}`, "-profile=lan"],
      ...[`-rpc-addr=${address}:${RPC_PORT}`, "-log-level=err"],
      `-event-handler=member-update,member-failed=sh ${handler}`,
      ...(index === 0 ? [] : [`-retry-join=${addressOf(0)}`, "-retry-interval=1s"]),
    ];
    this.#agents.push(spawn(PROGRAM, args, { stdio: "ignore" }));
  }

  async #joined(): Promise<void> {
    const endMs = performance.now() + JOIN_MS_MAX;
    const last = this.#options.members - 1;
    while ((await aliveCount(last)) < this.#options.members) {
      if (performance.now() > endMs) throw new Error("serf's agents did not join");
      await pause(POLL_MS);
    }
  }

  async #steady() {
    const pids = this.#agents.map(({ pid }) => pid ?? 0);
    const sinceMs = performance.now();
    const before = pids.map(cpuSecondsOf);
    await pause(this.#options.seconds * 1000);
    const elapsedSeconds = (performance.now() - sinceMs) / 1000;
    const shares = pids.map((pid, index) => cpuSecondsOf(pid) - (before[index] ?? 0));
    return {
      cpuPercent: spreadOf(shares.map((cpuSeconds) => (cpuSeconds / elapsedSeconds) * 100)),
      rssMb: spreadOf(pids.map(residentMbOf)),
      // Serf tells neither bytes nor ages.
      sentBytesPerSecond: null,
      newsAgeSeconds: null,
      falseSuspicions: null,
      falseDeaths: this.#agents.flatMap((_, index) => this.#eventTimes(index, "member-failed"))
        .length,
    };
  }

  async #news() {
    const others = this.#agents.map((_, index) => index).slice(1);
    const seconds: number[] = [];
    for (let attempt = 1; attempt <= NEWS_TRIES; attempt += 1) {
      const sinceMs = Date.now();
      await run(PROGRAM, ["tags", `-rpc-addr=${addressOf(0)}:${RPC_PORT}`, "-set", `n=${attempt}`]);
      const heard = await this.#heardBy(others, { event: "member-update", count: attempt });
      if (heard !== null) seconds.push((heard - sinceMs) / 1000);
    }
    return { newsEverywhereSeconds: seconds.length === 0 ? null : spreadOf(seconds) };
  }

  async #kill() {
    const last = this.#agents.length - 1;
    const others = this.#agents.map((_, index) => index).slice(0, last);
    const failures = Math.max(0, ...others.map((index) => this.#failuresOf(index)));
    const sinceMs = Date.now();
    this.#agents[last]?.kill("SIGKILL");
    const heard = await this.#heardBy(others, { event: "member-failed", count: failures + 1 });
    return {
      killDoubtedSeconds: null,
      killKnownSeconds: heard === null ? null : rounded((heard - sinceMs) / 1000),
    };
  }

  /** When the last of these saw its `count`th event of a kind, wall-clock ms; null if it did not. */
  async #heardBy(
    indices: readonly number[],
    { event, count }: { readonly event: string; readonly count: number },
  ): Promise<number | null> {
    const endMs = performance.now() + WAIT_MS_MAX;
    while (performance.now() < endMs) {
      const times = indices.map((index) => this.#eventTimes(index, event)[count - 1]);
      const heard = times.filter((time) => time !== undefined);
      if (heard.length === indices.length) return Math.max(...heard);
      await pause(POLL_MS);
    }
    return null;
  }

  #failuresOf(index: number): number {
    return this.#eventTimes(index, "member-failed").length;
  }

  #eventTimes(index: number, event: string): readonly number[] {
    return readFileSync(this.#eventsOf(index), "utf8")
      .split("\n")
      .filter((line) => line.startsWith(`${event} `))
      .map((line) => Number(line.slice(event.length + 1)));
  }

  #eventsOf(index: number): string {
    return join(this.#folder, `${index}.events`);
  }
}

/** Serf's and evenkeel's agents never meet: they run one after the other. */
function addressOf(index: number): string {
  return `127.99.0.${index + 1}`;
}

async function aliveCount(index: number): Promise<number> {
  const rpc = `-rpc-addr=${addressOf(index)}:${RPC_PORT}`;
  try {
    const { stdout } = await run(PROGRAM, ["members", "-status=alive", "-format=json", rpc]);
    return JSON.parse(stdout).members.length;
  } catch {
    return 0;
  }
}
