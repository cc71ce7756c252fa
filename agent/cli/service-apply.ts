import type { VerbAnswer } from "./answers.ts";
import { exitCodes } from "./cli-error.ts";
import { namingFile, readSpecFile } from "./read-spec-file.ts";
import { printVerbAnswer } from "./simple-verb.ts";
import { type VerbRunner, wordAt } from "./verb-context.ts";

/** `evenkeel service apply FILE`: declares a service for the whole cluster, or changes it. */
export const serviceApply: VerbRunner = async (context, input) => {
  const file = wordAt(input, 0);
  const text = readSpecFile(file, "service");
  const { client } = context;
  const answer = await namingFile(file, () => client.post<VerbAnswer>("/v1/services", text));
  printVerbAnswer(context, answer);
  return exitCodes.ok;
};
