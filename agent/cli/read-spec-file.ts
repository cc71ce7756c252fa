import { readFileSync, statSync } from "node:fs";
import { CommandFailedError } from "./cli-error.ts";

/** What the agent takes at most. */
const SPEC_BYTES_MAX = 64 * 1024;

/** The text of `file`, - for standard input; `what` it is to hold. Throws CommandFailedError. */
export function readSpecFile(file: string, what: string): string {
  try {
    if (file !== "-" && statSync(file).size > SPEC_BYTES_MAX) {
      throw new Error(`larger than ${SPEC_BYTES_MAX} bytes`);
    }
    return readFileSync(file === "-" ? 0 : file, "utf8");
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    throw new CommandFailedError(`cannot read the ${what} ${file}: ${words}`, { cause: error });
  }
}

/** What `send` makes of it; a refusal names the file that it is about. */
export async function namingFile<Answer>(
  file: string,
  send: () => Promise<Answer>,
): Promise<Answer> {
  try {
    return await send();
  } catch (error) {
    if (!(error instanceof CommandFailedError)) throw error;
    throw new CommandFailedError(`${file}: ${error.message}`, { cause: error });
  }
}
