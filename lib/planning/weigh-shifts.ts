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
  /** Least score of an action worth taking now (Patience); 0 asks for no more than `scoreNeeded`. */
  readonly level: number;
  readonly nowMs: number;
  readonly scale: CapacityScale;
  readonly params: PlanningParams;
}

/**
 * The member shifted to each of the targets, with its price: gain and doubt are those of a move of
 * the same load, the cost is that of a shift. Those that may be asked for come first, best first;
 * then the refused ones, each with its reason. Equal scores are in an order that spreads over hosts.
 */
export function weighShifts(options: WeighShiftsOptions): ShiftCandidate[] {
  return options.targets.map((target) => weigh(target, options)).sort(compareCandidates);
}

function weigh({ figures, refusal }: ShiftTarget, options: WeighShiftsOptions): ShiftCandidate {
  const { self, member, scale, params } = options;
  const { service, vm, memoryBytes } = member;
  const ends = { service, vm, from: self.host, to: figures.host };
  const barred = refusal === null ? ownRefusal(member, options) : `${figures.name} ${refusal}`;
  if (member.load === null) {
    const refused = barred ?? "its load has not been measured for long enough";
    return { ...ends, gain: 0, cost: 0, score: 0, refusal: refused };
  }
  const { weights } = params;
  const gain = gainOf({ load: member.load, memoryBytes }, self, figures, { scale, weights });
  const cost = shiftCost({ ...member, load: member.load }, self, { scale, weights, params });
  const score = gain - cost;
  const words = barred ?? shortfall({ ...member, load: member.load }, figures, score, options);
  return { ...ends, gain, cost, score, refusal: words };
}

function ownRefusal(
  { cooldownUntilMs }: MemberFigures,
  { nowMs }: WeighShiftsOptions,
): string | null {
  const restMs = cooldownUntilMs - nowMs;
  if (restMs <= 0) return null;
  return `it was shifted a short while ago and rests for another ${Math.ceil(restMs / 1000)} s`;
}

function shortfall(
  member: MemberFigures & { readonly load: VmLoad },
  to: HostFigures,
  score: number,
  { level, scale, params }: WeighShiftsOptions,
): string | null {
  const needed = Math.max(level, scoreNeeded(member, { scale, params }));
  if (score >= needed) return null;
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
