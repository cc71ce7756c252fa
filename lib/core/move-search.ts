import type { Prng } from "../base/prng.ts";
import { defaultElectionParams } from "../election/params.ts";
import { sampleTargets } from "../election/sample-targets.ts";
import { type ActionReason, type Candidate, isLevelling } from "../model/action.ts";
import type { HostId } from "../model/ids.ts";
import { transferMs } from "../planning/action-cost.ts";
import { candidates } from "../planning/candidates.ts";
import { type Extremes, extremesOf, joinedExtremes } from "../planning/extremes.ts";
import { type HostFigures, isHotInCpu } from "../planning/host-figures.ts";
import { type JointPlanOptions, jointPlan } from "../planning/joint-plan.ts";
import type { PlanningParams } from "../planning/params.ts";
import { Patience, reachableGain } from "../planning/patience.ts";
import { type ShortlistOptions, shortlist } from "../planning/shortlist.ts";
import type { VmFigures } from "../planning/vm-figures.ts";
import type { Cluster } from "./cluster.ts";
import { figuresOfEntries } from "./figures-of-entry.ts";
import { withMeasuredLink } from "./measured-link.ts";
import type { MoveHistory } from "./move-history.ts";
import { movesMade } from "./moves-made.ts";
import type { Self } from "./self.ts";
import { type HostNews, SettledView } from "./settled-view.ts";
import type { Surroundings } from "./surroundings.ts";

/** Scores above this share of another are as good. */
const equalShare = 0.99;

export interface MoveSearchOptions {
  readonly self: Self;
  readonly prng: Prng;
  readonly cluster: Cluster;
  readonly surroundings: Surroundings;
  readonly history: MoveHistory;
  readonly planning: PlanningParams;
  /** It refused a moment ago and is not asked again so soon. */
  readonly isSkipped: (host: HostId, nowMs: number) => boolean;
}

/** All make haste for as long after its cause: the worst of an imbalance is over first. */
const hasteMs = 60_000;
/** In haste the level falls by less than half until the next round. */
const soonShare = 0.5;
/** Least time between two looks that found nothing. */
const lookGapMs = 50;

/** What one look at the cluster saw. */
interface Scene {
  readonly self: HostFigures;
  readonly vms: readonly VmFigures[];
  readonly others: readonly HostFigures[];
  readonly extremes: Extremes;
  readonly scale: ReturnType<Surroundings["scale"]>;
  readonly params: PlanningParams;
}

/**
 * Finds what this host might move now, and how. To even out, it plans for all hosts together while
 * they are few, and weighs its own VMs against every host that it has fresh news of when they are
 * many; for rules and drains any of a sample will do.
 */
export class MoveSearch {
  readonly #options: MoveSearchOptions;
  readonly #patience: Patience;
  readonly #settled = new SettledView();
  #lastLevel = 0;
  #ripeAtMs: number | undefined;
  #hastyUntilMs = Number.NEGATIVE_INFINITY;

  constructor(options: MoveSearchOptions) {
    this.#options = options;
    this.#patience = new Patience(options.planning.patienceStartShare);
  }

  /** True while the next look may well find what this one did not. */
  expectsMore(nowMs: number): boolean {
    return this.isHasty(nowMs) || this.#lastLevel > this.#options.planning.gainMin;
  }

  /** When the last look would have found something; undefined if it did, or will not soon. */
  get ripeAtMs(): number | undefined {
    return this.#ripeAtMs;
  }

  /** So many are hot that all hurry. */
  isHasty(nowMs: number): boolean {
    return nowMs < this.#hastyUntilMs;
  }

  /** The least score of an action worth taking at the last look (Patience). */
  get level(): number {
    return this.#lastLevel;
  }

  /** Once a load sample, whether it has a reason to look or not: are many hosts hot? */
  loadSampled(self: HostFigures, nowMs: number): void {
    const { planning, cluster } = this.#options;
    const { hotShare, hasteHostsShare } = planning;
    const enough = hasteHostsShare * (cluster.membership.aliveCount + 1);
    // Of a large cluster a part is known, and chance has more of them hot in some parts.
    const chance = cluster.view.isLarge ? 2 * Math.sqrt(enough) : 0;
    const hot = cluster.hot.count + Number(isHotInCpu(self, hotShare));
    if (hot >= enough + chance) this.#hastyUntilMs = nowMs + hasteMs;
  }

  /** Own moves that may be proposed for this reason, best first. */
  find(reason: ActionReason, nowMs: number): readonly Candidate[] {
    if (isLevelling(reason)) return this.#levelling(reason, nowMs);
    const { prng, surroundings } = this.#options;
    const targets = sampleTargets(prng, surroundings.others(), {
      count: defaultElectionParams.sampleSize,
      wanted: surroundings.wantedNames(nowMs),
    });
    return candidates({
      self: surroundings.own(),
      vms: surroundings.ownVms(nowMs),
      targets,
      reason,
      nowMs,
      scale: surroundings.scale(),
      params: this.#planning(),
      keepRefused: false,
    });
  }

  #levelling(reason: "imbalance" | "hot", nowMs: number): readonly Candidate[] {
    const { prng, surroundings } = this.#options;
    surroundings.renew();
    const scene = this.#scene(nowMs);
    const { self, vms, others, params } = scene;
    const isUrgent = isHotInCpu(self, params.hotShare);
    // Guests that wait for a CPU now are not kept waiting for a better move.
    if (isUrgent) this.#lastLevel = 0;
    const level = isUrgent ? 0 : this.#level(scene, nowMs);
    const movesMax = this.#movesLeft();
    this.#ripeAtMs = undefined;
    if (movesMax !== undefined && movesMax <= 0) return [];
    const look = { reason, level, nowMs, scale: scene.scale, params, movesMax };
    const asked = { ...look, self, targets: others, extremes: scene.extremes, prng };
    if (!this.#isJoint(params)) return this.#bestOf({ ...asked, vms });
    // A cap makes every move dear: all are planned at once, when all loads are known, in any order.
    if (movesMax !== undefined && !this.#mayPlanAll(nowMs)) return [];
    const planned = this.#plan(scene, movesMax === undefined ? look : { ...look, level: 0 });
    if (planned.length === 0 || movesMax !== undefined) return planned;
    const chosen = vms.filter((vm) => planned.some((one) => one.vm === vm.vm));
    return withEquals(planned, shortlist({ ...asked, vms: chosen }));
  }

  /** In haste a host looks again when its patience reaches what it has found, and not a round later. */
  #bestOf(asked: ShortlistOptions): readonly Candidate[] {
    const { nowMs, level } = asked;
    if (!this.isHasty(nowMs)) return shortlist(asked);
    const { isSkipped } = this.#options;
    const open = { ...asked, targets: asked.targets.filter((one) => !isSkipped(one.host, nowMs)) };
    const found = shortlist(open);
    if (found.length > 0 || level === 0) return found;
    const [next] = shortlist({ ...open, level: level * soonShare });
    if (next) this.#ripeAtMs = Math.max(this.#patience.fallsToMs(next.score), nowMs + lookGapMs);
    return found;
  }

  #isJoint({ jointHostsMax }: PlanningParams): boolean {
    return this.#options.surroundings.others().length < jointHostsMax;
  }

  #scene(nowMs: number): Scene {
    const { surroundings } = this.#options;
    return {
      self: surroundings.own(),
      vms: surroundings.ownVms(nowMs),
      others: surroundings.measured(),
      extremes: surroundings.extremes(),
      scale: surroundings.scale(),
      params: this.#planning(),
    };
  }

  #level({ self, vms, extremes, scale, params }: Scene, nowMs: number): number {
    const settleMs = this.#isJoint(params) ? params.jointSettleMs : params.settleMs;
    const moveMs = meanTransferMs(vms, params) + settleMs;
    const transfers = this.isHasty(nowMs) ? params.hasteTransfers : params.patienceTransfers;
    const all = joinedExtremes(extremesOf([self]), extremes);
    this.#lastLevel = this.#patience.level({
      reachableGain: reachableGain(all, vms, { scale, weights: params.weights }),
      halfLifeMs: transfers * moveMs,
      nowMs,
    });
    return this.#lastLevel;
  }

  #plan(
    { self, vms, others }: Scene,
    look: Omit<JointPlanOptions, "self" | "others">,
  ): readonly Candidate[] {
    const { view } = this.#options.cluster;
    return jointPlan({
      ...look,
      self: { figures: self, vms },
      others: others.map((figures) => {
        const entries = view.inventoryOf(figures.host)?.record.body.vms ?? [];
        return { figures, vms: figuresOfEntries(entries) };
      }),
    });
  }

  /** Where every move is dear: all loads are known, and all news fit together. */
  #mayPlanAll(nowMs: number): boolean {
    const { surroundings, cluster } = this.#options;
    const { view } = cluster;
    const news: HostNews[] = [surroundings.ownNews()];
    for (const { host } of surroundings.others()) {
      const summary = view.summaryOf(host)?.record.body;
      const vms = view.inventoryOf(host)?.record.body.vms;
      if (!summary || !vms?.every((vm) => vm.load !== null || vm.state !== "running")) return false;
      const promisedCores = summary.projectedCpuCores - summary.measuredCpuCores;
      news.push({ promisedCores, vmCount: summary.vmCount, vms });
    }
    return this.#settled.mayPlan(news, nowMs);
  }

  #movesLeft(): number | undefined {
    const { self, cluster } = this.#options;
    const { movesMax } = self.options.settings;
    return movesMax === undefined ? undefined : movesMax - movesMade(cluster);
  }

  #planning(): PlanningParams {
    return withMeasuredLink(this.#options.planning, this.#options);
  }
}

/** For a planned move that is refused, another target will do that is as good: no worse one. */
function withEquals(planned: readonly Candidate[], others: readonly Candidate[]): Candidate[] {
  const equals = others.filter((other) =>
    planned.some(
      (one) => one.vm === other.vm && one.to !== other.to && other.score >= equalShare * one.score,
    ),
  );
  return [...planned, ...equals];
}

function meanTransferMs(vms: readonly VmFigures[], planning: PlanningParams): number {
  let sumMs = 0;
  for (const vm of vms) sumMs += transferMs(vm.load, planning);
  return vms.length > 0 ? sumMs / vms.length : 0;
}
