import type { VerbResult } from "#lib/model/verb.ts";
import type { Clock } from "../ports/clock.ts";

/** Askers at one time, and how long each waits: longer than the core waits for another host. */
const waitersMax = 64;
const waitMs = 75_000;

interface Waiter {
  readonly answer: (result: VerbResult) => void;
  readonly forgetTimer: () => void;
}

/** Verbs from the socket that wait for the core's reply. */
export class VerbWaiters {
  readonly #clock: Clock;
  readonly #waiters = new Map<string, Waiter>();
  #last = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A new asker; `requestId` is null when there are too many, and `result` says so. */
  add(): { requestId: string | null; result: Promise<VerbResult> } {
    if (this.#waiters.size >= waitersMax) {
      const result = failure(503, "too many verbs at once: wait for those under way to end");
      return { requestId: null, result: Promise.resolve(result) };
    }
    this.#last += 1;
    const requestId = `v${this.#last}`;
    const { promise, resolve } = Promise.withResolvers<VerbResult>();
    const forgetTimer = this.#clock.after(waitMs, () =>
      this.reply(requestId, failure(504, "no answer in time; it may still be carried out")),
    );
    this.#waiters.set(requestId, { answer: resolve, forgetTimer });
    return { requestId, result: promise };
  }

  reply(requestId: string, result: VerbResult): void {
    const waiter = this.#waiters.get(requestId);
    if (!waiter) return;
    this.#waiters.delete(requestId);
    waiter.forgetTimer();
    waiter.answer(result);
  }

  stop(): void {
    for (const requestId of [...this.#waiters.keys()]) {
      this.reply(requestId, failure(503, "the agent is ending"));
    }
  }
}

function failure(status: number, message: string): VerbResult {
  return { status, message, data: null, moveId: null };
}
