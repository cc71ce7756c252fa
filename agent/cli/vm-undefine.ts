import { simpleVerb, vmPath } from "./simple-verb.ts";
import { wordAt } from "./verb-context.ts";

/** `evenkeel vm undefine VM`: forgets a stopped VM; its disk images stay. */
export const vmUndefine = simpleVerb((input) => ({ path: vmPath(wordAt(input, 0), "undefine") }));
