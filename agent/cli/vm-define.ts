import type { VerbAnswer } from "./answers.ts";
import { exitCodes } from "./cli-error.ts";
import { namingFile, readSpecFile } from "./read-spec-file.ts";
import { printVerbAnswer } from "./simple-verb.ts";
import { type VerbRunner, wordAt } from "./verb-context.ts";

/** `evenkeel vm define FILE`: makes a VM known on this host; it does not start it. */
export const vmDefine: VerbRunner = async (context, input) => {
  const file = wordAt(input, 0);
  const text = readSpecFile(file, "VM spec");
  const { client } = context;
  const answer = await namingFile(file, () => client.post<VerbAnswer>("/v1/vms", text));
  printVerbAnswer(context, answer);
  return exitCodes.ok;
};
