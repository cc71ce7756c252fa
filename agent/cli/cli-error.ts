import { AgentError } from "#lib/base/errors.ts";

/** Exit codes of the command. */
export const exitCodes = { ok: 0, failed: 1, usage: 2, unreachable: 3 } as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** Thrown when what was asked could not be done; exit 1. */
export class CommandFailedError extends AgentError {
  readonly code = "COMMAND_FAILED";
}

/** Thrown when the command was written wrongly; exit 2. */
export class UsageError extends AgentError {
  readonly code = "USAGE";
}

/** Thrown when no agent answers on the socket; exit 3. */
export class UnreachableError extends AgentError {
  readonly code = "UNREACHABLE";
}

/** The exit code for an error that ended a verb. */
export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof UnreachableError) return exitCodes.unreachable;
  if (error instanceof UsageError) return exitCodes.usage;
  return exitCodes.failed;
}
