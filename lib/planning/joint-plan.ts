import { compareText, sortedBy } from "../base/ordered.ts";
import type { ActionReason, Candidate } from "../model/action.ts";
import { costOf } from "./action-cost.ts";
import { scoreNeeded } from "./candidates.ts";
import type { HostFigures } from "./host-figures.ts";
import type { PlanningParams } from "./params.ts";
import type { PlanPlace, PlanVm } from "./plan-problem.ts";
import { searchPlan } from "./plan-search.ts";
import { type CapacityScale, gainOf } from "./potential.ts";
import { ruleRefusal, standingRefusal } from "./rules.ts";
import { mayLeave, type VmFigures } from "./vm-figures.ts";

export interface HostWithVms {
  readonly figures: HostFigures;
  readonly vms: readonly VmFigures[];
}

export interface JointPlanOptions {
  readonly self: HostWithVms;
  /** The other hosts and their VMs, as they gossip them. */
  readonly others: readonly HostWithVms[];
  readonly reason: ActionReason;
  /** What each move of the plan must win at least (Patience). */
  readonly level: number;
  /** Moves that the whole cluster may still make; no limit by default. */
  readonly movesMax?: number | undefined;
  readonly nowMs: number;
  readonly scale: CapacityScale;
  readonly params: PlanningParams;
}

/** Under a cap, a move this near to the best of the plan is as good. */
const firstShare = 0.9;

/** Place of memory among a plan's resources. */
const memory = 1;

/**
 * This host's part of a plan for all hosts together: its own moves that may be proposed now, best
 * first. What the others should do is theirs to find; they know the same and search the same way.
 */
export function jointPlan(options: JointPlanOptions): Candidate[] {
  // In the same order on every host: of equals each would else choose the first that it knows.
  const hosts = sortedBy([options.self, ...options.others], ({ figures }) => figures.host);
  const figures = hosts.map((host) => host.figures);
  const noise = meanNoise(options.self.vms);
  const vms: PlanVm[] = [];
  const of: VmFigures[] = [];
  for (const [home, host] of hosts.entries()) {
    for (const vm of host.vms) {
      if (!mayLeave(vm, options.nowMs)) continue;
      of.push(vm);
      vms.push(planVm({ cpuNoiseShare: noise, ...vm }, { home, figures }, options));
    }
  }
  // Traffic counts only between known links, or leaving one for an unknown one would look like gain.
  const hasTraffic = figures.every((host) => host.networkCapacityBytesPerSecond > 0);
  const places = figures.map((host) => placeOf(host, hasTraffic, options));
  const { level, movesMax, params } = options;
  // Without a cap a plan that is a little better is not worth what the search for it costs a host.
  const kicksMax = movesMax === undefined ? 0 : params.planKicks;
  const kicks = Math.min(kicksMax, params.planWorkMax / (vms.length * places.length));
  const at = searchPlan({ places, vms, guard: memory }, { level, movesMax, kicks });
  const moves = of
    .flatMap((vm, index) => {
      const [from, to] = [figures[vms[index]?.home ?? 0], figures[at[index] ?? 0]];
      return from && to && from !== to ? plannedMove(vm, from, to, options) : [];
    })
    .sort(byScore);
  const own = moves.filter((move) => move.from === options.self.figures.host);
  if (movesMax === undefined) return own;
  // Where moves are few, the best is made first by whoever it falls to, and the rest planned anew.
  const enough = firstShare * (moves[0]?.score ?? 0);
  return own.filter((move) => move.score >= enough);
}

function plannedMove(
  vm: VmFigures,
  from: HostFigures,
  to: HostFigures,
  { scale, params, reason }: JointPlanOptions,
): Candidate[] {
  const { memoryShareMax, weights } = params;
  if (from.freeSlotsOut <= 0) return [];
  if (ruleRefusal(vm, from, to, { reason, memoryShareMax }) !== null) return [];
  const gain = gainOf(vm, from, to, { scale, weights });
  const cost = costOf(vm.load, params);
  if (gain - cost < params.gainMin) return [];
  const { vm: name } = vm;
  return [
    { vm: name, from: from.host, to: to.host, gain, cost, score: gain - cost, refusal: null },
  ];
}

function placeOf(
  host: HostFigures,
  hasTraffic: boolean,
  { scale, params }: JointPlanOptions,
): PlanPlace {
  const { weights, memoryShareMax } = params;
  const factor = (weight: number, capacity: number, mean: number) =>
    capacity > 0 ? weight / (capacity * mean) : 0;
  return {
    used: [host.cpuCores, host.memoryBytes, host.networkBytesPerSecond],
    factor: [
      factor(weights.cpu, host.cpuCapacityCores, scale.cpuCores),
      factor(weights.memory, host.memoryCapacityBytes, scale.memoryBytes),
      hasTraffic
        ? factor(weights.network, host.networkCapacityBytesPerSecond, scale.networkBytesPerSecond)
        : 0,
    ],
    guardMax: host.memoryCapacityBytes * memoryShareMax,
  };
}

function planVm(
  vm: VmFigures,
  { home, figures }: { readonly home: number; readonly figures: readonly HostFigures[] },
  { reason, params, scale, movesMax }: JointPlanOptions,
): PlanVm {
  const from = figures[home] as HostFigures;
  const { memoryShareMax } = params;
  return {
    home,
    weight: [vm.load.cpuCores, vm.memoryBytes, vm.load.networkBytesPerSecond ?? 0],
    // Where moves are few, those that win more keep the doubtful ones out.
    price:
      costOf(vm.load, params) +
      (movesMax === undefined ? scoreNeeded(vm, { scale, params }) : params.gainMin),
    mayGo: (place) => {
      const to = figures[place] as HostFigures;
      return standingRefusal(vm, from, to, { reason, memoryShareMax }) === null;
    },
  };
}

/** Others do not gossip how noisy their VMs are: most of a cluster is alike. */
function meanNoise(vms: readonly VmFigures[]): number | undefined {
  const known = vms.flatMap((vm) => vm.cpuNoiseShare ?? []);
  if (known.length === 0) return undefined;
  return known.reduce((sum, share) => sum + share, 0) / known.length;
}

function byScore(a: Candidate, b: Candidate): number {
  return b.score - a.score || compareText(a.vm, b.vm);
}
