import { AgentError } from "#lib/base/errors.ts";

/** Exit codes of the daemon. The unit's RestartPreventExitStatus names `configuration`. */
export const daemonExitCodes = { ok: 0, failed: 1, configuration: 78 } as const;

/** Errors that a restart would only meet again: an admin has to mend something first. */
const CONFIGURATION_CODES: readonly string[] = [
  "CONFIG",
  "CLUSTER_KEY",
  "IDENTITY",
  "STATE_DIRECTORY",
];

/** The exit code for an error that ends the daemon. A command line it cannot read is configuration. */
export function exitCodeOf(error: unknown): number {
  const isConfiguration =
    (error instanceof AgentError && CONFIGURATION_CODES.includes(error.code)) ||
    (error instanceof TypeError && "code" in error && isArgumentsCode(error.code));
  return isConfiguration ? daemonExitCodes.configuration : daemonExitCodes.failed;
}

/** Codes of node:util's parseArgs. */
function isArgumentsCode(code: unknown): boolean {
  return typeof code === "string" && code.startsWith("ERR_PARSE_ARGS_");
}
