import { AgentError } from "#lib/base/errors.ts";
import type { Clock } from "./ports/clock.ts";
import type { Log } from "./ports/log.ts";

/** A part of the agent that is started once and stopped once. */
export interface Part {
  /** For messages: "journal", "transport" … */
  readonly name: string;
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Longest that `start` may take, ms. */
  readonly startMsMax?: number;
  /** Longest that `stop` may take, ms. */
  readonly stopMsMax?: number;
}

const START_MS_MAX = 30_000;
const STOP_MS_MAX = 10_000;

/** Thrown when a part does not start or stop within its time; the message names the part. */
class LifecycleError extends AgentError {
  readonly code = "LIFECYCLE";
}

/**
 * Starts parts in order and stops them in reverse. A part that fails to start has the parts before
 * it stopped, then the error is thrown on. Stopping goes on past a part that fails or hangs: the
 * others still get to close, and the first error is thrown at the end.
 */
export class Lifecycle {
  readonly #parts: readonly Part[];
  readonly #clock: Clock;
  readonly #log: Log;
  #started: Part[] = [];

  constructor(options: { parts: readonly Part[]; clock: Clock; log: Log }) {
    this.#parts = options.parts;
    this.#clock = options.clock;
    this.#log = options.log;
  }

  async start(): Promise<void> {
    for (const part of this.#parts) {
      try {
        await this.#bounded(part, "start");
      } catch (error) {
        // It may have got half way: it is stopped like those before it.
        this.#started.push(part);
        await this.stop().catch(() => undefined);
        throw error;
      }
      this.#started.push(part);
    }
  }

  /** Stops what was started. No-op the second time. */
  async stop(): Promise<void> {
    const parts = this.#started.reverse();
    this.#started = [];
    const errors: unknown[] = [];
    for (const part of parts) {
      await this.#bounded(part, "stop").catch((error: unknown) => {
        errors.push(error);
        this.#log.write("error", `${part.name} did not stop cleanly`, { part: part.name, error });
      });
    }
    if (errors.length > 0) throw errors[0];
  }

  async #bounded(part: Part, step: "start" | "stop"): Promise<void> {
    const [limitMs, work] =
      step === "start"
        ? [part.startMsMax ?? START_MS_MAX, () => part.start()]
        : [part.stopMsMax ?? STOP_MS_MAX, () => part.stop()];
    const limit = Promise.withResolvers<never>();
    const forget = this.#clock.after(limitMs, () =>
      limit.reject(new LifecycleError(`${part.name} did not ${step} within ${limitMs} ms`)),
    );
    try {
      await Promise.race([work(), limit.promise]);
    } finally {
      forget();
    }
  }
}
