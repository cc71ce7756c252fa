/** Bytes that may burst at once, as time at the full rate: smooth enough, few timers. */
const BURST_MS = 50;
const MS_PER_SECOND = 1000;

/** Paces a stream: a debt of bytes is paid off at a steady rate. No clock and no timer inside. */
export class TokenBucket {
  readonly #bytesPerMs: number;
  #dueMs: number;

  /** `bytesPerSecond` > 0. */
  constructor(bytesPerSecond: number, nowMs: number) {
    this.#bytesPerMs = bytesPerSecond / MS_PER_SECOND;
    this.#dueMs = nowMs;
  }

  /** Books `bytes` and says how long, in ms, the sender must wait before it sends them (0 or more). */
  take(bytes: number, nowMs: number): number {
    const startMs = Math.max(this.#dueMs, nowMs - BURST_MS);
    this.#dueMs = startMs + bytes / this.#bytesPerMs;
    return Math.max(startMs - nowMs, 0);
  }
}
