import type { VerbAnswer } from "./answers.ts";
import { exitCodes, UsageError } from "./cli-error.ts";
import { printVerbAnswer, vmPath } from "./simple-verb.ts";
import { type VerbInput, type VerbRunner, wordAt } from "./verb-context.ts";

/**
 * `evenkeel move resolve VM`: the operator's word on a VM in doubt. `--fenced` names the host that
 * the operator vouches for to be off or without a copy: nobody else can know.
 */
export const moveResolve: VerbRunner = async (context, input) => {
  const body = { decision: decisionOf(input), fenced: String(input.options["fenced"]) };
  const answer = await context.client.post<VerbAnswer>(vmPath(wordAt(input, 0), "resolve"), body);
  printVerbAnswer(context, answer);
  return exitCodes.ok;
};

function decisionOf({ options }: VerbInput): "run-here" | "discard" {
  const runHere = options["runHere"] === true;
  const discard = options["discard"] === true;
  if (runHere === discard) {
    throw new UsageError("say one of --run-here (its copy here is the right one) and --discard");
  }
  return runHere ? "run-here" : "discard";
}
