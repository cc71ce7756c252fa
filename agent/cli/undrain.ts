import { hostPath, simpleVerb } from "./simple-verb.ts";
import { wordAt } from "./verb-context.ts";

/** `evenkeel undrain HOST`: lets VMs come to the host again, and ends its drain. */
export const undrain = simpleVerb((input) => ({ path: hostPath(wordAt(input, 0), "undrain") }));
