import { setTimeout as pause } from "node:timers/promises";
import { median } from "#lib/base/stats.ts";
import { rounded } from "../bench/figures.ts";
import type { Screen } from "../levelling/screen.ts";
import { RequestLoad } from "../load/request-load.ts";
import { secondsToRecover, servingRange } from "./crowd-figures.ts";
import { crowdPlot } from "./crowd-plot.ts";
import { type DemoCluster, HOSTS } from "./demo-cluster.ts";
import {
  CROWD_AT_MS,
  demoPlan,
  LIMIT_MS,
  MEMBER_PER_SECOND,
  SESSIONS_PER_MEMBER,
  TARGET_MS,
} from "./demo-plan.ts";
import { servicePictureOf } from "./service-picture.ts";
import { ServiceWatch } from "./service-watch.ts";

const LOOK_MS = 500;
const STAGE_MS_MAX = 180_000;
/** After the crowd has gone: each member less takes 12 s of calm. */
const REST_MS_MAX = 90_000;

/** What `--json` prints; null for what could not be measured. */
export interface ServicesSummary {
  readonly guests: "qemu";
  readonly resumeMsMedian: number | null;
  readonly resumeMsMax: number | null;
  readonly bootMsMedian: number | null;
  readonly requests: number;
  readonly requestsLost: number;
  readonly membersMin: number | null;
  readonly membersMax: number | null;
  readonly p99MsBefore: number | null;
  readonly p99MsCrowd: number | null;
  readonly secondsToRecover: number | null;
}

/** The demonstration of services, from the first agent to the last member asleep again. */
export class ServicesDemo {
  readonly #cluster: DemoCluster;
  readonly #screen: Screen;
  readonly #signal: AbortSignal;
  readonly #watch: ServiceWatch;
  readonly #load: RequestLoad;
  #beganAtMs = 0;
  #loadAtMs = Number.POSITIVE_INFINITY;

  constructor(cluster: DemoCluster, screen: Screen, signal: AbortSignal) {
    this.#cluster = cluster;
    this.#screen = screen;
    this.#signal = signal;
    this.#watch = new ServiceWatch(cluster);
    const place = { socketPath: cluster.haproxy.frontPath };
    this.#load = new RequestLoad({
      sender: { place, connections: "kept", limitMs: LIMIT_MS },
      rateAt: (ms) => demoPlan.rateAt(ms),
      limitMs: LIMIT_MS,
    });
  }

  async perform(): Promise<ServicesSummary> {
    await this.#begin();
    await this.#stage();
    this.#screen.heading(
      `Requests: ${Math.round(demoPlan.rateAt(0))} a second, then a crowd of ${Math.round(demoPlan.rateAt(CROWD_AT_MS + 10_000))}; one member answers ${MEMBER_PER_SECOND}`,
    );
    this.#loadAtMs = Date.now();
    this.#load.start();
    await this.#until(() => this.#load.elapsedMs > demoPlan.totalMs, demoPlan.totalMs + LOOK_MS);
    this.#screen.heading("The crowd has gone: who is not needed goes back to sleep");
    await this.#until((states) => sleeping(states) === HOSTS - 1, REST_MS_MAX);
    await this.#load.stop();
    await this.#watch.stop();
    return this.#summary();
  }

  /** The picture of the run, once it has ended. */
  plot(): string {
    const serving = this.#watch.serving.map(({ atMs, count }) => {
      return { second: (atMs - this.#loadAtMs) / 1000, count };
    });
    return crowdPlot({
      title: "A crowd comes, sleeping members wake, nobody in charge",
      seconds: this.#load.seconds(),
      serving,
      membersMax: HOSTS,
      memberPerSecond: MEMBER_PER_SECOND,
      targetMs: TARGET_MS,
    });
  }

  /** Also after an interruption. */
  async close(): Promise<void> {
    await Promise.allSettled([this.#load.stop(), this.#watch.stop()]);
  }

  async #begin(): Promise<void> {
    this.#screen.heading(
      `Starting ${HOSTS} agents with the same key and no other knowledge of each other, and one HAProxy`,
    );
    const joinedMs = await this.#cluster.start();
    this.#screen.say(`all see all, ${(joinedMs / 1000).toFixed(1)} s after the last answered`);
    this.#signal.throwIfAborted();
    await this.#watch.start();
  }

  async #stage(): Promise<void> {
    this.#screen.heading(
      `Declaring a web service: a member staged on each host, at least 1 running, ${SESSIONS_PER_MEMBER} sessions each`,
    );
    this.#beganAtMs = Date.now();
    await this.#cluster.declare();
    const isStaged = (states: readonly string[]) =>
      sleeping(states) === HOSTS - 1 && this.#watch.serving.at(-1)?.count === 1;
    if (await this.#until(isStaged, STAGE_MS_MAX)) return;
    const { members } = await this.#members();
    const words = members.map(({ host, state, obstacle }) => `${host} ${state} ${obstacle}`);
    throw new Error(`the members were not staged in time: ${words.join(", ")}`);
  }

  /** Shows the service until `holds`; false when it did not within the limit. */
  async #until(holds: (states: readonly string[]) => boolean, limitMs: number): Promise<boolean> {
    const endMs = performance.now() + limitMs;
    while (performance.now() < endMs) {
      await pause(LOOK_MS, undefined, { signal: this.#signal });
      const { members, states } = await this.#members();
      this.#screen.show(
        servicePictureOf({
          atMs: performance.now(),
          members,
          load: this.#load.seconds().at(-2) ?? null,
          requestsLost: this.#load.totals().lost,
          queued: this.#watch.view?.queued ?? 0,
          targetMs: TARGET_MS,
          happenings: this.#watch.happenings,
          beganAtMs: this.#beganAtMs,
        }),
      );
      if (holds(states)) return true;
    }
    return false;
  }

  async #members() {
    const members = await this.#watch.members();
    return { members, states: members.map(({ state }) => state) };
  }

  #summary(): ServicesSummary {
    const { resumes, serving, bootsMs } = this.#watch;
    const resumesMs = resumes.since(this.#loadAtMs);
    const { requests, lost } = this.#load.totals();
    const range = servingRange(serving, this.#loadAtMs);
    const crowd = { fromMs: CROWD_AT_MS, targetMs: TARGET_MS };
    return {
      guests: "qemu",
      resumeMsMedian: wholeOrNull(median(resumesMs)),
      resumeMsMax: wholeOrNull(Math.max(...resumesMs)),
      bootMsMedian: wholeOrNull(median(bootsMs)),
      requests,
      requestsLost: lost,
      membersMin: range?.min ?? null,
      membersMax: range?.max ?? null,
      p99MsBefore: wholeOrNull(this.#load.totals(0, CROWD_AT_MS).p99Ms ?? Number.NaN),
      p99MsCrowd: wholeOrNull(this.#load.totals(CROWD_AT_MS, demoPlan.totalMs).p99Ms ?? Number.NaN),
      secondsToRecover: orNull(secondsToRecover(this.#load.seconds(), crowd)),
    };
  }
}

function sleeping(states: readonly string[]): number {
  return states.filter((state) => state === "suspended").length;
}

/** Whole milliseconds: more would pretend. */
function wholeOrNull(value: number): number | null {
  return Number.isFinite(value) ? Math.round(value) : null;
}

function orNull(value: number | null): number | null {
  return value === null ? null : rounded(value);
}
