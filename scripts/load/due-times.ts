const MS_PER_SECOND = 1000;
/** Times are told to the microsecond: sums of steps have rounding errors. */
const US_PER_MS = 1000;
/** The plan of rates is read at this grain: finer than anybody's change of pace. */
const STEP_MS = 5;
/** A plan that stands at nought for this long has ended. */
const REST_MS_MAX = 3_600_000;

/**
 * When each request of a plan is due, in ms since the begin: evenly spaced at the planned rate, with
 * nothing left to chance, so that two runs of a plan ask alike.
 */
export class DueTimes {
  readonly #rateAt: (ms: number) => number;
  #atMs = 0;
  /** Requests that the plan has come to since the last one that was due. */
  #grown = 0;

  /** `rateAt`: requests a second at so many ms since the begin; 0 or less is a pause. */
  constructor(rateAt: (ms: number) => number) {
    this.#rateAt = rateAt;
  }

  /** The next request's time; Infinity when the plan asks for no more within the hour. */
  next(): number {
    const endMs = this.#atMs + REST_MS_MAX;
    while (this.#atMs < endMs) {
      const perMs = Math.max(0, this.#rateAt(this.#atMs)) / MS_PER_SECOND;
      const neededMs = perMs > 0 ? (1 - this.#grown) / perMs : Number.POSITIVE_INFINITY;
      const stepEndMs = Math.floor(this.#atMs / STEP_MS) * STEP_MS + STEP_MS;
      const leftMs = stepEndMs - this.#atMs;
      if (neededMs <= leftMs) {
        this.#atMs += neededMs;
        this.#grown = 0;
        return Math.round(this.#atMs * US_PER_MS) / US_PER_MS;
      }
      this.#grown += perMs * leftMs;
      this.#atMs = stepEndMs;
    }
    return Number.POSITIVE_INFINITY;
  }
}
