import { CommanderError } from "commander";
import { AgentError } from "#lib/base/errors.ts";
import { ApiClient } from "./api-client.ts";
import { type ExitCode, exitCodeOf, exitCodes } from "./cli-error.ts";
import type { CommandIo } from "./command-io.ts";
import { paletteOf } from "./palette.ts";
import { buildProgram } from "./program.ts";
import { socketPathsOf } from "./socket-paths.ts";

/**
 * Runs one command line (without node and script) and resolves to its exit code. Never rejects for
 * anything that an operator can cause: that is told in one line.
 */
export async function runCommand(words: readonly string[], io: CommandIo): Promise<ExitCode> {
  let code: ExitCode = exitCodes.ok;
  const program = buildProgram(io, async (entry, input, globals) => {
    const socket = globals["socket"];
    const client = new ApiClient(
      socketPathsOf(typeof socket === "string" ? socket : undefined, io.environment),
    );
    const run = await entry.load();
    const json = globals["json"] === true;
    code = await run({ io, client, palette: paletteOf(io.coloured), json }, input);
  });
  try {
    await program.parseAsync([...words], { from: "user" });
    return code;
  } catch (error) {
    return codeOfFailure(error, io);
  }
}

function codeOfFailure(error: unknown, io: CommandIo): ExitCode {
  if (error instanceof CommanderError) {
    // Commander has told what was wrong; asking for help is not wrong.
    return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  }
  if (!(error instanceof AgentError)) throw error;
  io.err(`evenkeel: ${error.message}`);
  return exitCodeOf(error);
}
