import { servicePath, simpleVerb } from "./simple-verb.ts";
import { wordAt } from "./verb-context.ts";

/** `evenkeel service delete NAME`: withdraws a service, on every host. */
export const serviceDelete = simpleVerb((input) => ({
  path: servicePath(wordAt(input, 0), "delete"),
}));
