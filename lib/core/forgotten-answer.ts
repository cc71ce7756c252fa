import type { HostId, MoveId } from "../model/ids.ts";
import type { MoveOutcome } from "../model/move-outcome.ts";
import { presumedSourceAnswer, presumedTargetAnswer } from "../moves/presumed-answer.ts";
import type { SourceAnswer, TargetAnswer } from "../wire/messages.ts";
import { type Guest, hasMemory } from "./guest-table.ts";

/** What this host knows of a move that its journal has no line of any more. */
export interface ForgottenMove {
  readonly moveId: MoveId;
  readonly self: HostId;
  /** The VM, if this host owns it. */
  readonly guest: Guest | undefined;
  /** How the host's own moves ended, newest first. */
  readonly history: readonly MoveOutcome[];
}

/** What a source can say for certain. The history still knows of an abort when the VM has gone on. */
export function forgottenSourceAnswer(move: ForgottenMove): SourceAnswer {
  const answer = presumedSourceAnswer(move.moveId, move.guest?.owned.version);
  if (answer !== "unknown") return answer;
  return endedHere(move, "from") === "aborted" ? "aborted" : "unknown";
}

/**
 * What a target can say for certain. By an operator's word it may have booted the VM anew, which
 * has gone on since: then the source's memory is used up.
 */
export function forgottenTargetAnswer(move: ForgottenMove): TargetAnswer {
  const runs = move.guest !== undefined && hasMemory(move.guest.copy);
  const answer = presumedTargetAnswer(move.moveId, move.guest?.owned.version, runs);
  if (answer !== "unknown") return answer;
  return endedHere(move, "to") === "resolved" ? "ran" : "unknown";
}

function endedHere(
  { moveId, self, history }: ForgottenMove,
  end: "from" | "to",
): MoveOutcome["result"] | undefined {
  return history.find((outcome) => outcome.moveId === moveId && outcome[end] === self)?.result;
}
