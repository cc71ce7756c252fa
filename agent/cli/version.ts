import { ownVersion } from "../own-version.ts";
import type { StatusAnswer } from "./answers.ts";
import { exitCodes, UnreachableError } from "./cli-error.ts";
import { printJson, type VerbContext, type VerbRunner } from "./verb-context.ts";

/** `evenkeel version`: of the command, and of the agent when one answers. */
export const version: VerbRunner = async (context) => {
  const command = ownVersion();
  const agent = await agentVersion(context);
  if (context.json) printJson(context, { command, agent, node: process.version });
  else
    context.io.out(
      `evenkeel ${command}, agent ${agent ?? "not reachable"}, node ${process.version}`,
    );
  return exitCodes.ok;
};

async function agentVersion({ client }: VerbContext): Promise<string | null> {
  try {
    return (await client.get<StatusAnswer>("/v1/status")).agentVersion;
  } catch (error) {
    if (error instanceof UnreachableError) return null;
    throw error;
  }
}
