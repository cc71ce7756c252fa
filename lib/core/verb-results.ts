import type { VerbResult } from "../model/verb.ts";

export function verbSuccess(status: number, message: string): VerbResult {
  return { status, message, data: null, moveId: null };
}

export function verbFailure(status: number, message: string): VerbResult {
  return { status, message, data: null, moveId: null };
}

/** In the open nobody's word makes the agent act. */
export function verbWithoutKey(): VerbResult {
  return verbFailure(
    403,
    "this agent has no cluster key and never acts: make one with 'evenkeel key generate', put it " +
      "on every host and restart the agents",
  );
}
