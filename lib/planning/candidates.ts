import { compareText } from "../base/ordered.ts";
import { hashText } from "../base/prng.ts";
import { type ActionReason, type Candidate, isLevelling } from "../model/action.ts";
import { costOf } from "./action-cost.ts";
import type { HostFigures } from "./host-figures.ts";
import type { PlanningParams } from "./params.ts";
import { type CapacityScale, gainOf } from "./potential.ts";
import { brokenRule, type RuledVm, ruleRefusal } from "./rules.ts";
import type { VmFigures } from "./vm-figures.ts";

export interface CandidateOptions {
  readonly self: HostFigures;
  /** Own VMs that run and have no unfinished action. */
  readonly vms: readonly VmFigures[];
  readonly targets: readonly HostFigures[];
  readonly reason: ActionReason;
  readonly nowMs: number;
  readonly scale: CapacityScale;
  readonly params: PlanningParams;
  /** False leaves the refused ones out, which is much cheaper. Default true. */
  readonly keepRefused?: boolean;
}

/**
 * Every (own VM, target) with its figures, those that may be proposed first, best score first; then
 * the refused ones, best score first, each with its reason. At most `params.candidatesMax`.
 */
export function candidates(options: CandidateOptions): Candidate[] {
  const found: Ranked[] = [];
  for (const vm of options.vms) {
    const cost = costOf(vm.load, options.params);
    const own = ownRefusal(vm, options);
    if (own !== null && options.keepRefused === false) continue;
    for (const to of options.targets) {
      const candidate = weigh({ vm, to, cost, own }, options);
      if (candidate) found.push(candidate);
    }
  }
  return found
    .sort(compareRanked)
    .slice(0, options.params.candidatesMax)
    .map(({ candidate }) => candidate);
}

interface Ranked {
  readonly candidate: Candidate;
  /** Hash of the ids: spreads ties over hosts, the same way everywhere. */
  readonly tie: number;
}

function weigh(
  pair: { vm: VmFigures; to: HostFigures; cost: number; own: string | null },
  options: CandidateOptions,
): Ranked | null {
  const { vm, to, cost, own } = pair;
  const { self, reason, params } = options;
  const gain = gainOf(vm, self, to, { scale: options.scale, weights: params.weights });
  const shortfall = gainShortfall({ vm, gain, cost, reason }, options);
  if (shortfall && options.keepRefused === false) return null;
  const refusal =
    own ?? ruleRefusal(vm, self, to, { reason, memoryShareMax: params.memoryShareMax });
  if (refusal !== null && options.keepRefused === false) return null;
  const words = refusal ?? (shortfall ? shortfallWords(vm, to, gain - cost, shortfall) : null);
  return {
    candidate: {
      vm: vm.vm,
      from: self.host,
      to: to.host,
      gain,
      cost,
      score: gain - cost,
      refusal: words,
    },
    tie: hashText(`${vm.vm} ${self.host} ${to.host}`),
  };
}

/** What keeps a VM here whatever the target: it rests, or its rules are not the ones broken. */
function ownRefusal(vm: VmFigures, { self, vms, reason, nowMs }: CandidateOptions): string | null {
  if (reason === "rule" && brokenRule(vm, self, vms) === null) {
    return `${vm.vm} breaks no rule on ${self.name}`;
  }
  const restMs = vm.cooldownUntilMs - nowMs;
  if (restMs <= 0 || reason === "drain" || reason === "operator") return null;
  return `${vm.vm} was moved a short while ago and rests for another ${Math.ceil(restMs / 1000)} s`;
}

/** Least score that a move must reach, or null when it reaches it or need not. */
function gainShortfall(
  one: { vm: Weighed; gain: number; cost: number; reason: ActionReason },
  options: { readonly scale: CapacityScale; readonly params: PlanningParams },
): number | null {
  if (!isLevelling(one.reason)) return null;
  const needed = scoreNeeded(one.vm, options);
  return one.gain - one.cost >= needed ? null : needed;
}

type Weighed = Pick<VmFigures, "vm" | "load" | "memoryBytes" | "cpuNoiseShare">;

/** What a move of this VM must win beyond its cost: the noisier and heavier, the more. */
export function scoreNeeded(
  vm: Weighed,
  { scale, params }: { readonly scale: CapacityScale; readonly params: PlanningParams },
): number {
  const cpuShare = vm.load.cpuCores / scale.cpuCores;
  const noise = Math.min(vm.cpuNoiseShare ?? params.noiseShareAssumed, params.noiseShareMax);
  const doubt = params.gainPerNoise + params.doubtPerNoise * cpuShare * cpuShare;
  return params.gainMin + noise * noise * params.weights.cpu * doubt;
}

function shortfallWords(vm: Weighed, to: HostFigures, score: number, needed: number): string {
  if (score <= 0) return `on ${to.name} ${vm.vm} would make the cluster less even, or no more so`;
  const figures = `${score.toFixed(4)} after its cost, and a move must win ${needed.toFixed(4)}`;
  return `moving ${vm.vm} to ${to.name} would win only ${figures}`;
}

function compareRanked(a: Ranked, b: Ranked): number {
  const refused = Number(a.candidate.refusal !== null) - Number(b.candidate.refusal !== null);
  return (
    refused ||
    b.candidate.score - a.candidate.score ||
    a.tie - b.tie ||
    compareText(a.candidate.vm, b.candidate.vm) ||
    compareText(a.candidate.to, b.candidate.to)
  );
}

export interface RescoreOptions {
  /** What the source says that the move costs: it knows its link and the VM better. */
  readonly cost?: number;
  readonly vm: RuledVm & Weighed;
  /** The source's own figures, as its proposal gives them. */
  readonly source: HostFigures;
  /** Own figures at this moment, with every reservation. */
  readonly self: HostFigures;
  readonly reason: ActionReason;
  readonly scale: CapacityScale;
  readonly params: PlanningParams;
}

/** A target's own judgement of a proposal, with its own ledger. */
export function rescore(options: RescoreOptions): {
  gain: number;
  cost: number;
  score: number;
  refusal: string | null;
} {
  const { vm, source, self, reason, scale, params } = options;
  const gain = gainOf(vm, source, self, { scale, weights: params.weights });
  const cost = options.cost ?? costOf(vm.load, params);
  const rule = ruleRefusal(vm, source, self, { reason, memoryShareMax: params.memoryShareMax });
  // The source has already doubted its own figures; doubting them twice would refuse for ever.
  const sure = { ...vm, cpuNoiseShare: 0 };
  const shortfall = gainShortfall({ vm: sure, gain, cost, reason }, options);
  const words = shortfall ? shortfallWords(vm, self, gain - cost, shortfall) : null;
  return { gain, cost, score: gain - cost, refusal: rule ?? words };
}
