import type { MoveOutcome } from "../model/move-outcome.ts";
import { Malformed } from "./malformed.ts";

/** Checks and bounds the record of a move. Never throws. */
export function readMoveOutcome(_value: unknown): MoveOutcome | Malformed {
  return new Malformed("", "not written yet");
}
