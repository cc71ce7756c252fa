const FIRST_MS = 500;
/**
 * Longest wait while a failure is young: after a cut heals, hosts find each other within seconds.
 * Over the later one a peer that stays away costs next to nothing.
 */
const YOUNG_MS_MAX = 5_000;
const OLD_MS_MAX = 20_000;
/** Failures after which a peer counts as away for long: about five minutes of trying. */
const OLD_FAILURES = 60;
/** A wait varies by this share to either side, so that hosts do not dial in step. */
const JITTER_SHARE = 0.25;

/**
 * Wait before the next dial after `failures` (>= 1) in a row, in ms: doubling, bounded, spread by
 * `share` (0..1, random).
 */
export function redialDelayMs(failures: number, share: number): number {
  const bound = failures < OLD_FAILURES ? YOUNG_MS_MAX : OLD_MS_MAX;
  const plain = Math.min(bound, FIRST_MS * 2 ** Math.min(failures - 1, 16));
  return plain * (1 + JITTER_SHARE * (2 * share - 1));
}
