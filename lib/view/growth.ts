/** Hosts are counted over this long, ms. */
const windowMs = 10_000;
/** A view that met this share of its hosts in the last window is far from knowing all. */
const growingShare = 0.01;

/** Whether a view still learns who is there, as after a start among many. */
export class Growth {
  #sinceMs = Number.NEGATIVE_INFINITY;
  #met = 0;
  #metBefore = 0;

  met(nowMs: number): void {
    this.#turn(nowMs);
    this.#met += 1;
  }

  /** `known` of the `size` hosts that were named have told of themselves. */
  isGrowing(known: number, size: number, nowMs: number): boolean {
    this.#turn(nowMs);
    const few = growingShare * size;
    return size - known >= few || Math.max(this.#met, this.#metBefore) >= few;
  }

  #turn(nowMs: number): void {
    const passedMs = nowMs - this.#sinceMs;
    if (passedMs < windowMs) return;
    this.#metBefore = passedMs < 2 * windowMs ? this.#met : 0;
    this.#met = 0;
    this.#sinceMs = nowMs;
  }
}
