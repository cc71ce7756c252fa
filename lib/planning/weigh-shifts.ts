import { compareText } from "../base/ordered.ts";
import { hashText } from "../base/prng.ts";
import type { ShiftCandidate } from "../model/action.ts";
import type { VmName } from "../model/ids.ts";
import type { VmLoad } from "../model/load.ts";
import { scoreNeeded } from "./candidates.ts";
import type { HostFigures } from "./host-figures.ts";
import type { PlanningParams } from "./params.ts";
import { type CapacityScale, gainOf } from "./potential.ts";
import { shiftCost } from "./shift-cost.ts";

/** What the planner knows of a running member of a service. */
export interface MemberFigures {
  readonly service: string;
  readonly vm: VmName;
  /** Smoothed; null until it has been measured for long enough. */
  readonly load: VmLoad | null;
  readonly cpuNoiseShare?: number | undefined;
  readonly memoryBytes: number;
  readonly drainMs: number;
  /** Monotonic ms until which it rests after a shift; 0 for none. */
  readonly cooldownUntilMs: number;
}

/** A host where the member could run instead, or in words why it cannot. */
export interface ShiftTarget {
  readonly figures: HostFigures;
  /** Follows the host's name; null when it can be resumed there. */
  readonly refusal: string | null;
}

export interface WeighShiftsOptions {
  readonly self: HostFigures;
  readonly member: MemberFigures;
  readonly targets: readonly ShiftTarget[];
  /** Least score of an action worth taking now (Patience). */
  readonly level: number;
  readonly nowMs: number;
  readonly scale: CapacityScale;
  readonly params: PlanningParams;
}

/**
 * The member shifted to each of the targets, with its price: the gain is that of a move of the same
 * load, the cost that of a shift, and the doubt several times as great (`shiftGainsMin`). Those that may be asked for come first, best first;
 * then the refused ones, each with its reason. Equal scores are in an order that spreads over hosts.
 */
export function weighShifts(options: WeighShiftsOptions): ShiftCandidate[] {
  return options.targets.map((target) => weigh(target, options)).sort(compareCandidates);
}

function weigh({ figures, refusal }: ShiftTarget, options: WeighShiftsOptions): ShiftCandidate {
  const { self, member, scale, params } = options;
  const { service, vm, memoryBytes, load } = member;
  const ends = { service, vm, from: self.host, to: figures.host };
  const barred = refusal === null ? ownRefusal(member, options) : `${figures.name} ${refusal}`;
  if (load === null) {
    const refused = barred ?? "its load has not been measured for long enough";
    return { ...ends, gain: 0, cost: 0, score: 0, cpuCoresMax: 0, refusal: refused };
  }
  const known = { ...member, load };
  const gain = gainOf({ load, memoryBytes }, self, figures, { scale, weights: params.weights });
  const cost = shiftCost(known, self, { scale, weights: params.weights, params });
  const score = gain - cost;
  const needed = params.shiftGainsMin * scoreNeeded(known, { scale, params });
  const cpuCoresMax = coresMax(load.cpuCores, figures, { ...options, slack: score - needed });
  const least = Math.max(options.level, needed);
  const words = barred ?? (score < least ? shortfallWords(figures, score, least) : null);
  return { ...ends, gain, cost, score, cpuCoresMax, refusal: words };
}

/** The gain falls by 2 x weight x the member's cores for each core that the target is asked for. */
function coresMax(
  memberCores: number,
  { cpuCores, cpuCapacityCores }: HostFigures,
  { slack, scale, params }: WeighShiftsOptions & { readonly slack: number },
): number {
  const gainPerCore = (2 * params.weights.cpu * memberCores) / (cpuCapacityCores * scale.cpuCores);
  const most = gainPerCore > 0 ? cpuCores + slack / gainPerCore : Number.POSITIVE_INFINITY;
  return Math.max(0, Math.min(most, cpuCores + cpuCapacityCores));
}

function ownRefusal(
  { cooldownUntilMs }: MemberFigures,
  { nowMs }: WeighShiftsOptions,
): string | null {
  const restMs = cooldownUntilMs - nowMs;
  if (restMs <= 0) return null;
  return `it was shifted a short while ago and rests for another ${Math.ceil(restMs / 1000)} s`;
}

function shortfallWords(to: HostFigures, score: number, needed: number): string {
  if (score <= 0) return `on ${to.name} it would make the cluster less even, or no more so`;
  const figures = `${score.toFixed(4)} after its cost, and a shift must win ${needed.toFixed(4)}`;
  return `shifting it to ${to.name} would win only ${figures}`;
}

function compareCandidates(a: ShiftCandidate, b: ShiftCandidate): number {
  return (
    Number(a.refusal !== null) - Number(b.refusal !== null) ||
    b.score - a.score ||
    hashText(`${a.vm} ${a.to}`) - hashText(`${b.vm} ${b.to}`) ||
    compareText(a.to, b.to)
  );
}
