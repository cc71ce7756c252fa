import { AgentError } from "#lib/base/errors.ts";

/** Thrown when the agent cannot listen or its keys cannot be used; never for what peers do. */
export class TransportError extends AgentError {
  readonly code = "TRANSPORT";
}
