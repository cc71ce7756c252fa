import { readFileSync, statSync } from "node:fs";
import type { VerbAnswer } from "./answers.ts";
import { CommandFailedError, exitCodes } from "./cli-error.ts";
import { printVerbAnswer } from "./simple-verb.ts";
import { type VerbRunner, wordAt } from "./verb-context.ts";

/** What the agent takes at most. */
const SPEC_BYTES_MAX = 64 * 1024;

/** `evenkeel vm define FILE`: makes a VM known on this host; it does not start it. */
export const vmDefine: VerbRunner = async (context, input) => {
  const file = wordAt(input, 0);
  const text = readSpec(file);
  try {
    const answer = await context.client.post<VerbAnswer>("/v1/vms", text);
    printVerbAnswer(context, answer);
  } catch (error) {
    if (!(error instanceof CommandFailedError)) throw error;
    throw new CommandFailedError(`${file}: ${error.message}`, { cause: error });
  }
  return exitCodes.ok;
};

function readSpec(file: string): string {
  try {
    if (file !== "-" && statSync(file).size > SPEC_BYTES_MAX) {
      throw new Error(`larger than ${SPEC_BYTES_MAX} bytes`);
    }
    return readFileSync(file === "-" ? 0 : file, "utf8");
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    throw new CommandFailedError(`cannot read the VM spec ${file}: ${words}`, { cause: error });
  }
}
