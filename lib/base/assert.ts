import { AgentError } from "./errors.ts";

/** A bug in evenkeel itself: never thrown for anything that came from outside. */
export class AssertionError extends AgentError {
  readonly code = "ASSERTION";
}

/**
 * States what must hold at this line. A failed assertion ends the process: the restart reads the
 * truth from the journal, which is safer than going on with a state nobody reasoned about.
 */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionError(`assertion failed: ${message}`);
}

/** Closes a switch over a union: the compiler rejects a call that can be reached. */
export function assertNever(value: never): never {
  throw new AssertionError(`assertion failed: unexpected ${JSON.stringify(value)}`);
}
