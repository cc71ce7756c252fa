import type { HostId, VmName } from "./ids.ts";

/** Why an action is proposed; operator verbs carry "operator", legs of an exchange "swap". */
export type ActionReason = "imbalance" | "hot" | "rule" | "drain" | "swap" | "operator";

/** True for a reason that load gives: only then must an action win more than it costs. */
export function isLevelling(reason: ActionReason): reason is "imbalance" | "hot" {
  return reason === "imbalance" || reason === "hot";
}

/** One candidate that the planner weighed: gain and cost in units of the potential. */
export interface Candidate {
  readonly vm: VmName;
  readonly from: HostId;
  readonly to: HostId;
  readonly gain: number;
  readonly cost: number;
  /** gain - cost: what is compared. */
  readonly score: number;
  /** Null when the move may be proposed; else why not, in words with the figures. */
  readonly refusal: string | null;
}

/** A member of a service that could be shifted: resumed at `to`, then suspended at `from`. */
export interface ShiftCandidate extends Candidate {
  readonly service: string;
  /** CPU demand of the target, cores, up to which the shift still wins what it must; from 0. */
  readonly cpuCoresMax: number;
}

/** A move that the planner would make now, with its reason and the runners-up. */
export interface PlannedMove extends Candidate {
  readonly reason: ActionReason;
}
