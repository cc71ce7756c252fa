import { simpleVerb, vmPath } from "./simple-verb.ts";
import { wordAt } from "./verb-context.ts";

/** `evenkeel cancel VM`: stops a move under way; the VM runs on where it was. */
export const cancel = simpleVerb((input) => ({ path: vmPath(wordAt(input, 0), "cancel") }));
