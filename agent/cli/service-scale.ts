import { UsageError } from "./cli-error.ts";
import { servicePath, simpleVerb } from "./simple-verb.ts";
import { wordAt } from "./verb-context.ts";

/** `evenkeel service scale NAME`: how many members run at least and at most. */
export const serviceScale = simpleVerb((input) => {
  const { min, max } = input.options;
  if (min === undefined && max === undefined) {
    throw new UsageError("say how many run: --min, --max, or both");
  }
  return {
    path: servicePath(wordAt(input, 0), "scale"),
    body: { min: countOf("--min", min), max: countOf("--max", max) },
  };
});

/** Null leaves it as it is. */
function countOf(flag: string, given: unknown): number | null {
  if (given === undefined) return null;
  if (typeof given === "string" && /^[0-9]{1,4}$/.test(given)) return Number(given);
  throw new UsageError(`${flag} takes a number of members, not "${String(given)}"`);
}
