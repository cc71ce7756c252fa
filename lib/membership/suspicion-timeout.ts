import { assert } from "../base/assert.ts";

export interface SuspicionTimeoutOptions {
  readonly minMs: number;
  readonly maxMs: number;
  /** Confirmations that bring the time down to `minMs`; 0 when nobody could confirm. */
  readonly confirmationsMax: number;
}

/**
 * Time a suspect still has to refute, in ms: `maxMs` with no confirmation, `minMs` from
 * `confirmationsMax` on, falling with their logarithm (Lifeguard, arXiv:1707.00788, IV-B). With
 * nobody who could confirm it stays at `maxMs`: only time then speaks against the accuser's error.
 * Throws AssertionError when minMs > maxMs.
 */
export function suspicionTimeoutMs(
  confirmations: number,
  options: SuspicionTimeoutOptions,
): number {
  const { minMs, maxMs, confirmationsMax } = options;
  assert(minMs <= maxMs, `suspicion time from ${minMs} to ${maxMs} ms`);
  if (confirmationsMax <= 0) return maxMs;
  const share = Math.log(Math.max(0, confirmations) + 1) / Math.log(confirmationsMax + 1);
  return Math.max(minMs, maxMs - (maxMs - minMs) * share);
}
