import { AgentError } from "#lib/base/errors.ts";

/** Thrown when the journal cannot be opened, read or written. The caller must end the process. */
export class JournalError extends AgentError {
  readonly code = "JOURNAL";
}

/** Thrown when the cluster key is missing, malformed or readable by others (exit 78). */
export class ClusterKeyError extends AgentError {
  readonly code = "CLUSTER_KEY";
}

/** Thrown when the state directory cannot be used or is open to others (exit 78). */
export class StateDirectoryError extends AgentError {
  readonly code = "STATE_DIRECTORY";
}

/** Thrown when a file of the state directory cannot be written, as on a full disk: may pass. */
export class StateWriteError extends AgentError {
  readonly code = "STATE_WRITE";
}

/** Thrown when this host's own key is broken or open to others (exit 78). */
export class IdentityError extends AgentError {
  readonly code = "IDENTITY";
}
