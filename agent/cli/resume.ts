import { simpleVerb, vmPath } from "./simple-verb.ts";
import { wordAt } from "./verb-context.ts";

/** `evenkeel resume VM`: lets a suspended VM run again. */
export const resume = simpleVerb((input) => ({ path: vmPath(wordAt(input, 0), "resume") }));
