import { simpleVerb, vmPath } from "./simple-verb.ts";
import { wordAt } from "./verb-context.ts";

/** `evenkeel vm stop VM`: asks the guest to power off; with --force it is killed at once. */
export const vmStop = simpleVerb((input) => ({
  path: vmPath(wordAt(input, 0), "stop"),
  body: { force: input.options["force"] === true },
}));
