import { AgentError } from "#lib/base/errors.ts";

/** Thrown when the configuration cannot be used: exit 78, because a restart would not mend it. */
export class ConfigError extends AgentError {
  readonly code = "CONFIG";
}
