/** What `query-migrate` tells of a transfer, in bytes and shares. */
export interface TransferLook {
  readonly transferredBytes: number;
  readonly remainingBytes: number;
  readonly totalBytes: number;
  readonly dirtyBytesPerSecond: number | null;
  /** Passes over the guest's memory so far; 1 in the first. */
  readonly passes: number;
  /** How much of the guest's CPU auto-converge takes away, 0..1. */
  readonly throttleShare: number;
}

/** Less than this closer to the end is no headway: a guest that dirties as fast as the link jitters. */
const CLOSER_SHARE_MIN = 0.01;

/**
 * Tells a transfer that will end from one that will not. Bytes that flow are headway only in the
 * first pass; after it the rest must shrink below its least so far, or the throttle tighten.
 */
export class Headway {
  #sinceMs: number;
  #transferredBytes = -1;
  #leastRemainingBytes = Number.POSITIVE_INFINITY;
  #throttleShare = 0;

  constructor(nowMs: number) {
    this.#sinceMs = nowMs;
  }

  /** Takes a look and tells for how long, in ms, there was no headway. */
  idleMs(look: TransferLook, nowMs: number): number {
    if (this.#advanced(look)) this.#sinceMs = nowMs;
    this.#transferredBytes = Math.max(this.#transferredBytes, look.transferredBytes);
    return nowMs - this.#sinceMs;
  }

  #advanced(look: TransferLook): boolean {
    if (look.passes <= 1) return look.transferredBytes > this.#transferredBytes;
    const closer = look.remainingBytes < this.#leastRemainingBytes * (1 - CLOSER_SHARE_MIN);
    if (closer) this.#leastRemainingBytes = look.remainingBytes;
    const tighter = look.throttleShare > this.#throttleShare;
    if (tighter) this.#throttleShare = look.throttleShare;
    return closer || tighter;
  }
}
