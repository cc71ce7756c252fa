import type { ActionReason } from "../model/action.ts";
import type { MoveOutcome } from "../model/move-outcome.ts";
import { wireLimits } from "./limits.ts";
import type { Malformed } from "./malformed.ts";
import type { Reader } from "./reader.ts";
import { validate } from "./validate.ts";

export const actionReasons: ReadonlySet<ActionReason> = new Set([
  "imbalance",
  "hot",
  "rule",
  "drain",
  "swap",
  "operator",
]);
const results = new Set(["moved", "aborted", "failed", "lost", "resolved"] as const);

/** Checks and bounds the record of a move. Never throws. */
export function readMoveOutcome(value: unknown): MoveOutcome | Malformed {
  return validate(value, readMoveOutcomeFields);
}

export function readMoveOutcomeFields(outcome: Reader): MoveOutcome {
  return {
    moveId: outcome.move("moveId"),
    vm: outcome.vm("vm"),
    from: outcome.host("from"),
    to: outcome.host("to"),
    reason: outcome.word("reason", actionReasons),
    gain: outcome.signed("gain"),
    cost: outcome.signed("cost"),
    result: outcome.word("result", results),
    detail: outcome.text("detail", wireLimits.reasonLengthMax),
    endedAtMs: outcome.figure("endedAtMs"),
    durationMs: outcome.figure("durationMs"),
    downtimeMs: outcome.figureOrNull("downtimeMs"),
    transferredBytes: outcome.figure("transferredBytes"),
  };
}
