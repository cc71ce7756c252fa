import type { ClusterDocument } from "../model/record.ts";
import { Malformed } from "./malformed.ts";

/** Checks and bounds a document from outside. Never throws. */
export function readDocument(_value: unknown): ClusterDocument | Malformed {
  return new Malformed("", "not written yet");
}
