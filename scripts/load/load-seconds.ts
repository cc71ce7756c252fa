import { quantile } from "#lib/base/stats.ts";

const MS_PER_SECOND = 1000;
const WORST_SHARE = 0.99;

/** What became of one request. */
export interface RequestEnd {
  /** When it was due, in ms since the begin. */
  readonly dueMs: number;
  /** From when it was due to the end of the answer; of a lost one until it was given up. */
  readonly latencyMs: number;
  /** "" for an answer of status 200 in time, else what went wrong, in one word. */
  readonly loss: string;
}

/** The requests that were due in one second. */
export interface LoadSecond {
  /** Whole seconds since the begin. */
  readonly second: number;
  readonly requests: number;
  readonly ok: number;
  readonly lost: number;
  /** Of all of them, the lost ones at the time limit or what they took longer; null without any. */
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  readonly maxMs: number | null;
}

export interface LoadTotals {
  readonly requests: number;
  readonly ok: number;
  readonly lost: number;
  /** Lost requests by what went wrong. */
  readonly lostBy: Readonly<Record<string, number>>;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  readonly maxMs: number | null;
}

/** Counts requests by the second in which they were due. */
export class LoadSeconds {
  readonly #limitMs: number;
  readonly #ends: RequestEnd[] = [];

  /** `limitMs`: a lost request counts as having taken at least this long, or losses would look fast. */
  constructor(limitMs: number) {
    this.#limitMs = limitMs;
  }

  add(end: RequestEnd): void {
    this.#ends.push(end);
  }

  /** One for each second from `from` (inclusive) to `to` (exclusive), quiet ones included. */
  seconds(from: number, to: number): readonly LoadSecond[] {
    const buckets = Map.groupBy(this.#ends, ({ dueMs }) => Math.floor(dueMs / MS_PER_SECOND));
    return Array.from({ length: Math.max(0, to - from) }, (_, index) => {
      const { lostBy: _by, ...figures } = this.#totalsOf(buckets.get(from + index) ?? []);
      return { second: from + index, ...figures };
    });
  }

  /** Of the requests that were due from `fromMs` (inclusive) to `toMs` (exclusive). */
  totals(fromMs = 0, toMs = Number.POSITIVE_INFINITY): LoadTotals {
    return this.#totalsOf(this.#ends.filter(({ dueMs }) => dueMs >= fromMs && dueMs < toMs));
  }

  #totalsOf(ends: readonly RequestEnd[]): LoadTotals {
    const lostBy: Record<string, number> = {};
    for (const { loss } of ends) if (loss !== "") lostBy[loss] = (lostBy[loss] ?? 0) + 1;
    const lost = Object.values(lostBy).reduce((sum, count) => sum + count, 0);
    const times = ends.map(({ loss, latencyMs }) =>
      loss === "" ? latencyMs : Math.max(latencyMs, this.#limitMs),
    );
    const at = (share: number) => (times.length === 0 ? null : quantile(times, share));
    const counts = { requests: ends.length, ok: ends.length - lost, lost, lostBy };
    return { ...counts, p50Ms: at(0.5), p99Ms: at(WORST_SHARE), maxMs: at(1) };
  }
}
