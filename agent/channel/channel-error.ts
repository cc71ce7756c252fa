import { AgentError } from "#lib/base/errors.ts";

/** Thrown when a migration channel cannot be opened; the message names the move and the remedy. */
export class ChannelError extends AgentError {
  readonly code = "CHANNEL";
}
