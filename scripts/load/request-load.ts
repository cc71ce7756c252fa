import { SystemClock } from "#agent/os/system-clock.ts";
import type { Clock } from "#agent/ports/clock.ts";
import { DueTimes } from "./due-times.ts";
import { HttpSender, type HttpSenderOptions } from "./http-sender.ts";
import { type LoadSecond, LoadSeconds, type LoadTotals } from "./load-seconds.ts";

const MS_PER_SECOND = 1000;
const IN_FLIGHT_MAX = 1_000;

/** Sends one request; never rejects. "" for a good answer, else what went wrong in one word. */
export interface RequestSender {
  send(): Promise<string>;
  close(): void;
}

export interface RequestLoadOptions {
  /** Where to ask, or what asks in its place. */
  readonly sender: HttpSenderOptions | RequestSender;
  /** Requests a second at so many ms since the begin. */
  readonly rateAt: (ms: number) => number;
  /** As the sender's: what a lost request counts for. */
  readonly limitMs: number;
  /** A request beyond so many without an answer is not sent, and lost as "crowded". */
  readonly inFlightMax?: number;
  readonly clock?: Clock;
}

/**
 * Asks a server at a planned rate, whatever its answers do, and counts every request from the time
 * at which it was due: a slow server gets no fewer requests, and what it keeps waiting shows.
 */
export class RequestLoad {
  readonly #sender: RequestSender;
  readonly #clock: Clock;
  readonly #inFlightMax: number;
  readonly #due: DueTimes;
  readonly #counts: LoadSeconds;
  readonly #inFlight = new Set<Promise<void>>();
  #beganAtMs: number | null = null;
  #forgetTimer: () => void = () => {};
  #lateMsMax = 0;
  #stoppedAtMs: number | null = null;

  constructor(options: RequestLoadOptions) {
    const { sender, rateAt, limitMs, inFlightMax = IN_FLIGHT_MAX } = options;
    this.#sender = "send" in sender ? sender : new HttpSender(sender);
    this.#clock = options.clock ?? new SystemClock();
    this.#inFlightMax = inFlightMax;
    this.#due = new DueTimes(rateAt);
    this.#counts = new LoadSeconds(limitMs);
  }

  /** Time since the begin, ms; 0 before. */
  get elapsedMs(): number {
    return this.#beganAtMs === null ? 0 : this.#clock.nowMs() - this.#beganAtMs;
  }

  get inFlight(): number {
    return this.#inFlight.size;
  }

  /** How late this process itself sent a request at worst, ms: part of the latencies. */
  get lateMsMax(): number {
    return this.#lateMsMax;
  }

  start(): void {
    if (this.#beganAtMs !== null) throw new Error("this load has begun already");
    this.#beganAtMs = this.#clock.nowMs();
    this.#await(this.#due.next());
  }

  /** Sends no more; resolves when all that were sent have been answered or are lost. */
  async stop(): Promise<void> {
    this.#stoppedAtMs ??= this.elapsedMs;
    this.#forgetTimer();
    await Promise.all(this.#inFlight);
    this.#sender.close();
  }

  /** Whole seconds up to now, or to the stop; the last ones still change while requests are under way. */
  seconds(from = 0): readonly LoadSecond[] {
    const endMs = this.#stoppedAtMs ?? this.elapsedMs;
    return this.#counts.seconds(from, Math.floor(endMs / MS_PER_SECOND));
  }

  /** Of the ended requests that were due from `fromMs` (inclusive) to `toMs` (exclusive). */
  totals(fromMs?: number, toMs?: number): LoadTotals {
    return this.#counts.totals(fromMs, toMs);
  }

  #await(dueMs: number): void {
    if (this.#stoppedAtMs !== null || dueMs === Number.POSITIVE_INFINITY) return;
    this.#forgetTimer = this.#clock.after(dueMs - this.elapsedMs, () => this.#wake(dueMs));
  }

  /** Sends all that is due: after a pause of this process several are. */
  #wake(firstDueMs: number): void {
    let dueMs = firstDueMs;
    while (dueMs <= this.elapsedMs && this.#stoppedAtMs === null) {
      this.#send(dueMs);
      dueMs = this.#due.next();
    }
    this.#await(dueMs);
  }

  #send(dueMs: number): void {
    this.#lateMsMax = Math.max(this.#lateMsMax, this.elapsedMs - dueMs);
    if (this.#inFlight.size >= this.#inFlightMax) {
      this.#counts.add({ dueMs, latencyMs: 0, loss: "crowded" });
      return;
    }
    const sent = this.#sender.send().then((loss) => {
      this.#inFlight.delete(sent);
      this.#counts.add({ dueMs, latencyMs: this.elapsedMs - dueMs, loss });
    });
    this.#inFlight.add(sent);
  }
}
