import { AgentError } from "#lib/base/errors.ts";

/** Thrown when a local socket cannot be opened; the message names the path and the remedy. */
export class SocketError extends AgentError {
  readonly code = "SOCKET";
}
