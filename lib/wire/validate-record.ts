import type { HostRecord } from "../model/record.ts";
import { Malformed } from "./malformed.ts";

/** Checks and bounds a host's record from outside. Never throws. */
export function readRecord(_value: unknown): HostRecord | Malformed {
  return new Malformed("", "not written yet");
}
