/** How a measured figure is smoothed. Times in ms of the caller's monotonic clock. */
export interface SmoothingParams {
  /**
   * Time constant of an old figure. Ten minutes, because a load that fell a moment ago often rises
   * again: with 20 s, a recorded day of 500 VMs cost 2.5 times as many moves, and more contention.
   */
  readonly slowMs: number;
  /** Time constant while several samples agree that the figure has risen. */
  readonly fastMs: number;
  /**
   * So many samples in a row must lie above the figure for it to be a rise: by `riseShare` of it,
   * and by `riseDeviations` times its usual deviation, so that a noisy figure does not creep up.
   */
  readonly riseSamples: number;
  readonly riseShare: number;
  readonly riseDeviations: number;
  /** Samples before the figure is good enough to act on. */
  readonly samplesMin: number;
  /** A figure taken over from elsewhere weighs as so many samples of one's own. */
  readonly seedSamples: number;
}

export const defaultSmoothingParams: SmoothingParams = {
  slowMs: 600_000,
  fastMs: 2_000,
  riseSamples: 3,
  riseShare: 0.1,
  riseDeviations: 2,
  samplesMin: 3,
  seedSamples: 20,
};

/**
 * One measured figure, smoothed: the plain mean of the samples while it is young, then an
 * exponential mean, slow down and fast up. A single spike is not a rise.
 */
export class SmoothedFigure {
  readonly #params: SmoothingParams;
  #value = 0;
  /** Mean absolute deviation of the samples from the figure. */
  #deviation = 0;
  #count = 0;
  #lastMs = 0;
  /** Samples in a row that lay clearly above. */
  #above = 0;

  constructor(params: SmoothingParams = defaultSmoothingParams) {
    this.#params = params;
  }

  /**
   * Takes over a figure from elsewhere. It may have been young there (a guest that was booting), and
   * brings no deviation: own samples soon outweigh it.
   */
  seed(value: number, nowMs: number): void {
    this.#value = value;
    this.#deviation = 0;
    this.#count = this.#params.seedSamples;
    this.#lastMs = nowMs;
    this.#above = 0;
  }

  /** A sample that is not newer than the last is ignored. */
  observe(sample: number, nowMs: number): void {
    if (!Number.isFinite(sample) || (this.#count > 0 && nowMs <= this.#lastMs)) return;
    if (this.#count === 0) {
      this.#value = sample;
    } else {
      const elapsedMs = nowMs - this.#lastMs;
      const { slowMs, fastMs, riseSamples } = this.#params;
      this.#above = this.#isAbove(sample) ? this.#above + 1 : 0;
      const constantMs = this.#above >= riseSamples ? fastMs : slowMs;
      // Always slow: or the first steps of a rise would pass for noise and end it.
      const deviation = Math.abs(sample - this.#value);
      this.#deviation += (deviation - this.#deviation) * this.#weightOf(elapsedMs, slowMs);
      this.#value += (sample - this.#value) * this.#weightOf(elapsedMs, constantMs);
    }
    this.#count = Math.min(this.#count + 1, Number.MAX_SAFE_INTEGER);
    this.#lastMs = nowMs;
  }

  /** Null until there are enough samples to act on. */
  value(): number | null {
    return this.#count >= this.#params.samplesMin ? this.#value : null;
  }

  /** Mean absolute deviation of a sample from the figure, as a share of it; 0 of no figure. */
  noiseShare(): number {
    return this.#value > 0 ? this.#deviation / this.#value : 0;
  }

  #weightOf(elapsedMs: number, constantMs: number): number {
    // elapsed / (constant + elapsed) is the backward Euler step: stable for any gap, and free of
    // Math.exp, whose last digit may differ between machines.
    return Math.max(elapsedMs / (constantMs + elapsedMs), 1 / (this.#count + 1));
  }

  #isAbove(sample: number): boolean {
    const { riseShare, riseDeviations } = this.#params;
    const rise = Math.max(riseShare * this.#value, riseDeviations * this.#deviation);
    return sample > this.#value + rise;
  }
}
