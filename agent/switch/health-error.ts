import { AgentError } from "#lib/base/errors.ts";

type HealthErrorCode =
  /** The member did not answer well within the time it was given. */
  | "MEMBER_UNHEALTHY"
  /** The address or the path is none that can be asked. */
  | "BAD_TARGET"
  /** The caller gave up. */
  | "ABORTED";

/** Thrown while a member's health is awaited: names the member's address and its last answer. */
export class HealthError extends AgentError {
  readonly code: HealthErrorCode;

  constructor(message: string, options: { code: HealthErrorCode; cause?: unknown }) {
    super(message, options);
    this.code = options.code;
  }
}
