/**
 * Base of every error that evenkeel throws on purpose. `code` is stable and listed in the README;
 * the message is one line for a person: what failed, on what, with the value, and what to do.
 */
export abstract class AgentError extends Error {
  abstract readonly code: string;

  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = new.target.name;
  }
}
