import { AgentError } from "#lib/base/errors.ts";

/** What kept a switch from doing as it was told; stable, for the core, the API and tests. */
export type SwitchErrorCode =
  /** Nobody answers at its socket, or there is none. */
  | "SWITCH_ABSENT"
  /** The socket may not be opened, or its level is too low for changes. */
  | "SWITCH_REFUSED"
  /** No complete answer in time. */
  | "SWITCH_SILENT"
  /** An answer that is too long, cut short or not understood. */
  | "SWITCH_ANSWER"
  /** The switch has no such backend. */
  | "BACKEND_ABSENT"
  /** The backend takes no servers while the switch runs. */
  | "BACKEND_STATIC"
  /** The backend has no such server. */
  | "SERVER_ABSENT"
  /** The backend has a server of this name already. */
  | "SERVER_EXISTS"
  /** The server is in another state than the command needs. */
  | "SERVER_STATE"
  /** The server still has connections: try again when they have ended. */
  | "SERVER_BUSY"
  /** The switch refused the command; the message has its own words. */
  | "COMMAND_FAILED"
  /** The command was not sent: it names something that no switch can have. */
  | "BAD_COMMAND"
  /** The caller gave up. */
  | "ABORTED";

/** Thrown by every switch: names its place, backend and server, what failed and what to do. */
export class SwitchError extends AgentError {
  readonly code: SwitchErrorCode;

  constructor(message: string, options: { code: SwitchErrorCode; cause?: unknown }) {
    super(message, options);
    this.code = options.code;
  }
}
