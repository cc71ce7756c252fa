import type { LoadSecond } from "../load/load-seconds.ts";
import type { ServingCount } from "./service-watch.ts";

/** So many good seconds in a row, and it stays so. */
const GOOD_SECONDS = 5;

export interface RecoveryOptions {
  /** When the crowd came, ms since the load's begin. */
  readonly fromMs: number;
  /** Highest p99 of a good second. */
  readonly targetMs: number;
  readonly goodSeconds?: number;
}

/**
 * How long after `fromMs` the requests began to be answered in time again, in seconds: of those that
 * were due from then on the slowest hundredth took no longer than the target, for five seconds in a
 * row. 0 when no second was bad; null when the last one still is.
 */
export function secondsToRecover(
  seconds: readonly LoadSecond[],
  { fromMs, targetMs, goodSeconds = GOOD_SECONDS }: RecoveryOptions,
): number | null {
  const crowd = seconds.filter(({ second }) => (second + 1) * 1000 > fromMs);
  const isGood = ({ p99Ms }: LoadSecond) => p99Ms === null || p99Ms <= targetMs;
  const firstBad = crowd.findIndex((one) => !isGood(one));
  if (firstBad === -1) return 0;
  const goodAgain = crowd.findIndex((_, index) => {
    const next = crowd.slice(index, index + goodSeconds);
    return index > firstBad && next.length === goodSeconds && next.every(isGood);
  });
  const second = crowd[goodAgain]?.second;
  return second === undefined ? null : second - fromMs / 1000;
}

/** Least and most members that served from `fromMs` on; ms since 1970. */
export function servingRange(
  serving: readonly ServingCount[],
  fromMs: number,
): { readonly min: number; readonly max: number } | null {
  const before = serving.findLast(({ atMs }) => atMs <= fromMs);
  const counts = serving
    .filter((one) => one === before || one.atMs > fromMs)
    .map(({ count }) => count);
  if (counts.length === 0) return null;
  return { min: Math.min(...counts), max: Math.max(...counts) };
}
