import { openSync, readSync } from "node:fs";
import type { Clock } from "../ports/clock.ts";

const NS_PER_MS = 1e6;
const MS_PER_SECOND = 1000;
/** Longest delay of a Node timer; a longer one would fire at once. */
const DELAY_MS_MAX = 2 ** 31 - 1;
/** How long uptime may go without a look: a read at every turn of the loop was 5 % of the agent's CPU. */
const UPTIME_INTERVAL_MS = 5000;
/** A suspend shows at once as a leap of the wall clock, which costs no system call to read. */
const WALL_LEAP_MS_MIN = 500;
/** /proc/uptime has 10 ms steps and is read a little after the clock: less than this is no suspend. */
const SUSPENDED_MS_MIN = 1000;

export interface SystemClockOptions {
  /** CLOCK_MONOTONIC in ms: exact, but stands still while the machine is suspended. */
  readonly monotonicMs?: () => number;
  /** Time since boot in ms, suspended time included; undefined where it cannot be had. */
  readonly uptimeMs?: () => number | undefined;
  /** Wall clock, ms since 1970; it may be set at any time. */
  readonly wallMs?: () => number;
}

/**
 * The machine's clock. Node only has CLOCK_MONOTONIC, by which a night in suspend never happened:
 * the time that /proc/uptime has gone ahead of it is added, so that the agent notices. The wall
 * clock only tells when to look: if it was set by hand, uptime knows of no suspend.
 */
export class SystemClock implements Clock {
  readonly #monotonicMs: () => number;
  readonly #uptimeMs: () => number | undefined;
  readonly #wallMs: () => number;
  #uptimeAhead: number | undefined;
  #suspendedMs = 0;
  #lookedAtMs = Number.NEGATIVE_INFINITY;
  #wallAheadMs = 0;

  constructor(options: SystemClockOptions = {}) {
    this.#monotonicMs = options.monotonicMs ?? hrtimeMs;
    this.#uptimeMs = options.uptimeMs ?? procUptime();
    this.#wallMs = options.wallMs ?? Date.now;
  }

  nowMs(): number {
    const monotonicMs = this.#monotonicMs();
    const wallAheadMs = this.#wallMs() - monotonicMs;
    const isLongAgo = monotonicMs - this.#lookedAtMs >= UPTIME_INTERVAL_MS;
    if (isLongAgo || Math.abs(wallAheadMs - this.#wallAheadMs) >= WALL_LEAP_MS_MIN) {
      this.#lookedAtMs = monotonicMs;
      this.#wallAheadMs = wallAheadMs;
      this.#lookAtUptime(monotonicMs);
    }
    return monotonicMs + this.#suspendedMs;
  }

  wallMs(): number {
    return this.#wallMs();
  }

  after(delayMs: number, wake: () => void): () => void {
    const bounded = Math.min(Math.max(delayMs, 0), DELAY_MS_MAX);
    const timer = setTimeout(wake, Math.ceil(bounded));
    return () => clearTimeout(timer);
  }

  #lookAtUptime(monotonicMs: number): void {
    const uptimeMs = this.#uptimeMs();
    if (uptimeMs === undefined) return;
    const ahead = uptimeMs - monotonicMs;
    this.#uptimeAhead ??= ahead;
    const suspendedMs = ahead - this.#uptimeAhead;
    // Each suspend adds at least a second, or it is not seen; time never goes back.
    if (suspendedMs - this.#suspendedMs >= SUSPENDED_MS_MIN) this.#suspendedMs = suspendedMs;
  }
}

function hrtimeMs(): number {
  return Number(process.hrtime.bigint()) / NS_PER_MS;
}

/** Reads /proc/uptime through one open file; opened at the first use. */
function procUptime(): () => number | undefined {
  const bytes = Buffer.alloc(64);
  let fd: number | undefined;
  return () => {
    try {
      fd ??= openSync("/proc/uptime", "r");
      const seconds = Number.parseFloat(bytes.toString("latin1", 0, readSync(fd, bytes, 0, 64, 0)));
      return Number.isFinite(seconds) ? seconds * MS_PER_SECOND : undefined;
    } catch {
      return undefined;
    }
  };
}
