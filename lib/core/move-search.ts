import type { Prng } from "../base/prng.ts";
import { defaultElectionParams } from "../election/params.ts";
import { sampleTargets } from "../election/sample-targets.ts";
import type { ActionReason, Candidate } from "../model/action.ts";
import { transferMs } from "../planning/action-cost.ts";
import { candidates } from "../planning/candidates.ts";
import { type HostFigures, utilisationOf } from "../planning/host-figures.ts";
import { type JointPlanOptions, jointPlan } from "../planning/joint-plan.ts";
import type { PlanningParams } from "../planning/params.ts";
import { Patience, reachableGain } from "../planning/patience.ts";
import { shortlist } from "../planning/shortlist.ts";
import type { VmFigures } from "../planning/vm-figures.ts";
import type { Cluster } from "./cluster.ts";
import { figuresOfEntries } from "./figures-of-entry.ts";
import { withMeasuredLink } from "./measured-link.ts";
import type { MoveHistory } from "./move-history.ts";
import { movesMade } from "./moves-made.ts";
import type { Self } from "./self.ts";
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
}

/**
 * Finds what this host might move now, and how. To even out, it plans for all hosts together while
 * they are few, and weighs its own VMs against every host that it has fresh news of when they are
 * many; for rules and drains any of a sample will do.
 */
export class MoveSearch {
  readonly #options: MoveSearchOptions;
  readonly #patience: Patience;
  #lastLevel = 0;

  constructor(options: MoveSearchOptions) {
    this.#options = options;
    this.#patience = new Patience(options.planning.patienceStartShare);
  }

  /** True while better moves than the least useful are waited for. */
  get isPatient(): boolean {
    return this.#lastLevel > this.#options.planning.gainMin;
  }

  /** Own moves that may be proposed for this reason, best first. */
  find(reason: ActionReason, nowMs: number): readonly Candidate[] {
    if (reason === "imbalance" || reason === "hot") return this.#levelling(reason, nowMs);
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
    const { surroundings, prng } = this.#options;
    const params = this.#planning();
    const others = surroundings.others();
    const isUrgent = utilisationOf(surroundings.own()).cpu > params.hotShare;
    // Guests that wait for a CPU now are not kept waiting for a better move.
    if (isUrgent) this.#lastLevel = 0;
    const level = isUrgent ? 0 : this.#level(others, nowMs);
    const movesMax = this.#movesLeft();
    if (movesMax !== undefined && movesMax <= 0) return [];
    const scale = surroundings.scale();
    const look = { reason, level, nowMs, scale, params, movesMax };
    const self = surroundings.own();
    const vms = surroundings.ownVms(nowMs);
    const targets = others.filter((host) => !host.draining && host.freeSlotsIn > 0);
    if (others.length >= params.jointHostsMax) {
      return shortlist({ ...look, self, vms, targets, prng });
    }
    // A cap makes every move dear: all are planned at once, when all loads are known, in any order.
    if (movesMax !== undefined && !this.#knowsAllLoads(others)) return [];
    const planned = this.#plan(others, movesMax === undefined ? look : { ...look, level: 0 });
    if (planned.length === 0) return planned;
    const chosen = vms.filter((vm) => planned.some((one) => one.vm === vm.vm));
    return withEquals(planned, shortlist({ ...look, self, vms: chosen, targets, prng }));
  }

  #level(others: readonly HostFigures[], nowMs: number): number {
    const { surroundings } = this.#options;
    const planning = this.#planning();
    const vms = surroundings.ownVms(nowMs);
    const isJoint = others.length < planning.jointHostsMax;
    const settleMs = isJoint ? planning.jointSettleMs : planning.settleMs;
    const options = { scale: surroundings.scale(), weights: planning.weights };
    this.#lastLevel = this.#patience.level({
      reachableGain: reachableGain([surroundings.own(), ...others], vms, options),
      halfLifeMs: planning.patienceTransfers * (meanTransferMs(vms, planning) + settleMs),
      nowMs,
    });
    return this.#lastLevel;
  }

  #plan(
    others: readonly HostFigures[],
    look: Omit<JointPlanOptions, "self" | "others">,
  ): readonly Candidate[] {
    const { surroundings, cluster } = this.#options;
    return jointPlan({
      ...look,
      self: { figures: surroundings.own(), vms: surroundings.ownVms(look.nowMs) },
      others: others.map((figures) => {
        const entries = cluster.view.inventoryOf(figures.host)?.record.body.vms ?? [];
        return { figures, vms: figuresOfEntries(entries) };
      }),
    });
  }

  #knowsAllLoads(others: readonly HostFigures[]): boolean {
    const { view } = this.#options.cluster;
    return others.every(({ host }) => {
      const vms = view.inventoryOf(host)?.record.body.vms;
      return vms?.every((vm) => vm.load !== null || vm.state !== "running") ?? false;
    });
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
