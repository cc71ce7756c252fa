import type { Prng } from "../base/prng.ts";
import type { ActionReason, Candidate } from "../model/action.ts";
import { costOf } from "./action-cost.ts";
import { scoreNeeded } from "./candidates.ts";
import { type Extremes, gainAtMost } from "./extremes.ts";
import type { HostFigures } from "./host-figures.ts";
import type { PlanningParams } from "./params.ts";
import { type CapacityScale, gainOf } from "./potential.ts";
import { ruleRefusal } from "./rules.ts";
import { mayLeave, type VmFigures } from "./vm-figures.ts";

export interface ShortlistOptions {
  readonly self: HostFigures;
  readonly vms: readonly VmFigures[];
  /** Every host that is known: the more, the better the moves. Who drains or has no slot is not asked. */
  readonly targets: readonly HostFigures[];
  /** Of the targets, or of more hosts: spares a look at each for a VM that none could take with gain. */
  readonly extremes: Extremes;
  readonly reason: ActionReason;
  /** Least score of a move worth making now (Patience). */
  readonly level: number;
  readonly nowMs: number;
  readonly scale: CapacityScale;
  readonly params: PlanningParams;
  readonly prng: Prng;
}

interface Weighed {
  readonly vm: VmFigures;
  readonly to: HostFigures;
  readonly gain: number;
  readonly cost: number;
  readonly rank: number;
}

/**
 * The moves to propose first in order to even out, at most `params.shortlistMax`. Scores that are
 * nearly equal are put in a random order: hosts with the same view would otherwise all ask the same
 * target first, and all but one be refused.
 */
export function shortlist(options: ShortlistOptions): Candidate[] {
  const { self, params, reason } = options;
  const { memoryShareMax, shortlistMax } = params;
  const weighed = options.vms.flatMap((vm) => weigh(vm, options));
  const chosen: Candidate[] = [];
  for (const { vm, to, gain, cost } of weighed.sort((a, b) => b.rank - a.rank)) {
    if (chosen.length === shortlistMax) break;
    if (ruleRefusal(vm, self, to, { reason, memoryShareMax }) !== null) continue;
    const ends = { vm: vm.vm, from: self.host, to: to.host };
    chosen.push({ ...ends, gain, cost, score: gain - cost, refusal: null });
  }
  return chosen;
}

function weigh(vm: VmFigures, options: ShortlistOptions): Weighed[] {
  const { self, targets, extremes, level, nowMs, scale, params, prng } = options;
  if (!mayLeave(vm, nowMs)) return [];
  const { weights, spreadShare } = params;
  const cost = costOf(vm.load, params);
  const needed = cost + Math.max(level, scoreNeeded(vm, { scale, params }));
  if (gainAtMost(vm, self, extremes, { scale, weights }) < needed) return [];
  const found: Weighed[] = [];
  for (const to of targets) {
    if (to.draining || to.freeSlotsIn === 0) continue;
    const gain = gainOf(vm, self, to, { scale, weights });
    if (gain < needed) continue;
    found.push({ vm, to, gain, cost, rank: (gain - cost) * (1 - spreadShare * prng.nextShare()) });
  }
  return found;
}
