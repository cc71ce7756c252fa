import type { Clock } from "../ports/clock.ts";

const NS_PER_MS = 1e6;
/** Longest delay of a Node timer; a longer one would fire at once. */
const DELAY_MS_MAX = 2 ** 31 - 1;

/** The machine's monotonic clock (CLOCK_MONOTONIC, which stands still while it is suspended). */
export class SystemClock implements Clock {
  nowMs(): number {
    return Number(process.hrtime.bigint()) / NS_PER_MS;
  }

  wallMs(): number {
    return Date.now();
  }

  after(delayMs: number, wake: () => void): () => void {
    const bounded = Math.min(Math.max(delayMs, 0), DELAY_MS_MAX);
    const timer = setTimeout(wake, Math.ceil(bounded));
    return () => clearTimeout(timer);
  }
}
