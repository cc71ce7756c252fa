import { setTimeout as pause } from "node:timers/promises";
import { eventually } from "../../test/support/eventually.ts";
import type { GuestImage } from "../lab/guest-image.ts";
import { RequestLoad } from "../load/request-load.ts";
import { ColdMembers } from "./cold-members.ts";
import { secondsToRecover } from "./crowd-figures.ts";
import { type DemoCluster, HOSTS } from "./demo-cluster.ts";
import { LIMIT_MS, MEMBER_PER_SECOND, RatePlan, TARGET_MS } from "./demo-plan.ts";
import { ServiceWatch } from "./service-watch.ts";

const STAGE_MS_MAX = 180_000;
const CALM_MS = 8_000;
const CALM_PER_SECOND = 0.45 * MEMBER_PER_SECOND;
/** So many times the calm rate, within a second. */
const CROWD_TIMES = 5;

/** A load that grows fivefold within a second, to two and a quarter members' worth. */
const flashPlan = new RatePlan([
  { ms: CALM_MS, perSecond: CALM_PER_SECOND },
  { ms: 1_000, perSecond: CROWD_TIMES * CALM_PER_SECOND },
  { ms: 60_000, perSecond: CROWD_TIMES * CALM_PER_SECOND },
]);

/** What a crowd met with. */
export interface CrowdResult {
  /** From the crowd's begin until every second's p99 is under the target; null when it was not again. */
  readonly secondsToRecover: number | null;
  /** Until the first such second, though it may have been a lull. */
  readonly secondsToFirstGood: number | null;
  readonly requests: number;
  readonly requestsLost: number;
  readonly lostBy: Readonly<Record<string, number>>;
  /** Of the calm before it. */
  readonly p99MsBefore: number | null;
  readonly p99MsCrowd: number | null;
  readonly worstMs: number | null;
  /** From each decision until HAProxy sent the member requests, ms. */
  readonly comingMs: readonly number[];
  /** When the decisions were made, ms after the crowd's begin. */
  readonly decidedMs: readonly number[];
}

/** One cluster that meets the same crowd twice: with members that sleep, and with none staged. */
export class CrowdBench {
  readonly #cluster: DemoCluster;
  readonly #cold: ColdMembers;
  readonly #watch: ServiceWatch;

  /** `cluster`: on loopback, or the cold members cannot be asked for their health. */
  constructor(cluster: DemoCluster, image: GuestImage) {
    this.#cluster = cluster;
    this.#cold = new ColdMembers(cluster, image);
    this.#watch = new ServiceWatch(cluster);
  }

  /** The steward and its hosts do as they see fit. */
  async resumed(): Promise<CrowdResult> {
    await this.#cluster.start();
    await this.#watch.start();
    await this.#cluster.declare();
    const isStaged = async () => {
      const states = (await this.#watch.members()).map(({ state }) => state);
      const asleep = states.filter((state) => state === "suspended").length;
      return asleep === HOSTS - 1 && this.#watch.serving.at(-1)?.count === 1;
    };
    await eventually("one serves, the others sleep", isStaged, {
      limitMs: STAGE_MS_MAX,
      pollMs: 250,
    });
    const crowdAtMs = Date.now() + CALM_MS;
    const load = await this.#crowd(() => undefined);
    const comingMs = this.#watch.resumes.since(crowdAtMs - CALM_MS);
    const told = this.#watch.happenings.filter(({ atMs }) => atMs > crowdAtMs - CALM_MS);
    for (const { host, state, atMs } of told) {
      process.stderr.write(`bench: ${host} ${state} ${atMs - crowdAtMs} ms after the crowd came\n`);
    }
    // Should a member rest and come again, that is no new one that answers the crowd.
    const first = new Map(
      told
        .filter(({ state }) => state === "resuming")
        .toReversed()
        .map(({ host, atMs }) => [host, atMs - crowdAtMs]),
    );
    const decidedMs = [...first.values()].sort((a, b) => a - b).slice(0, HOSTS - 1);
    await this.#watch.stop();
    await this.#cluster.withdraw();
    return resultOf(load, { comingMs, decidedMs });
  }

  /** As many members are booted, each at the moment at which one was resumed before. */
  async booted(decidedMs: readonly number[]): Promise<CrowdResult> {
    await this.#cold.define();
    await this.#cold.boot(1);
    const boots: Promise<number>[] = [];
    const load = await this.#crowd(() => {
      for (const [index, afterMs] of decidedMs.entries()) {
        const boot = pause(CALM_MS + afterMs).then(() => this.#cold.boot(index + 2));
        // Whoever awaits them later hears of a failure; nobody else needs to.
        boot.catch(() => undefined);
        boots.push(boot);
      }
    });
    return resultOf(load, { comingMs: await Promise.all(boots), decidedMs });
  }

  async close(): Promise<void> {
    this.#cold.stop();
    await this.#watch.stop().catch(() => undefined);
    await this.#cluster.close();
  }

  async #crowd(begun: () => void): Promise<RequestLoad> {
    const load = new RequestLoad({
      sender: {
        place: { socketPath: this.#cluster.haproxy.frontPath },
        connections: "kept",
        limitMs: LIMIT_MS,
      },
      rateAt: (ms) => flashPlan.rateAt(ms),
      limitMs: LIMIT_MS,
    });
    load.start();
    begun();
    await pause(flashPlan.totalMs);
    await load.stop();
    return load;
  }
}

function resultOf(
  load: RequestLoad,
  coming: Pick<CrowdResult, "comingMs" | "decidedMs">,
): CrowdResult {
  const { requests, lost, lostBy, maxMs } = load.totals();
  const options = { fromMs: CALM_MS, targetMs: TARGET_MS };
  return {
    secondsToRecover: secondsToRecover(load.seconds(), options),
    secondsToFirstGood: secondsToRecover(load.seconds(), { ...options, goodSeconds: 1 }),
    requests,
    requestsLost: lost,
    lostBy,
    p99MsBefore: load.totals(0, CALM_MS).p99Ms,
    p99MsCrowd: load.totals(CALM_MS).p99Ms,
    worstMs: maxMs,
    ...coming,
  };
}
