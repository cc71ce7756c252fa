import { simpleVerb, vmPath } from "./simple-verb.ts";
import { wordAt } from "./verb-context.ts";

/** `evenkeel suspend VM`: saves a VM to disk and frees its memory. */
export const suspend = simpleVerb((input) => ({ path: vmPath(wordAt(input, 0), "suspend") }));
