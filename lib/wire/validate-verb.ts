import type { Verb, VerbResult } from "../model/verb.ts";
import { Malformed } from "./malformed.ts";

/** Checks and bounds an operator's verb. Never throws. */
export function readVerb(_value: unknown): Verb | Malformed {
  return new Malformed("", "not written yet");
}

/** Checks and bounds the result of a verb. Never throws. */
export function readVerbResult(_value: unknown): VerbResult | Malformed {
  return new Malformed("", "not written yet");
}
