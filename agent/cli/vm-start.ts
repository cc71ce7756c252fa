import { simpleVerb, vmPath } from "./simple-verb.ts";
import { wordAt } from "./verb-context.ts";

/** `evenkeel vm start VM`: boots a VM on the host that owns it. */
export const vmStart = simpleVerb((input) => ({ path: vmPath(wordAt(input, 0), "start") }));
