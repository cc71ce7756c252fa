/**
 * Local health (Lifeguard, arXiv:1707.00788, IV-A): 0 when this host keeps its own times, up to
 * `scoreMax` when it is starved. A host that is late itself must be slow to blame others.
 */
export class Awareness {
  readonly #scoreMax: number;
  #score = 0;

  constructor(scoreMax: number) {
    this.#scoreMax = scoreMax;
  }

  get score(): number {
    return this.#score;
  }

  raise(by: number): void {
    this.#score = Math.min(this.#scoreMax, this.#score + by);
  }

  lower(): void {
    this.#score = Math.max(0, this.#score - 1);
  }

  /** Time given to an ack: each step of the score adds the whole again. */
  scaleProbe(ms: number): number {
    return ms * (1 + this.#score);
  }

  /** Time given to a suspect: each step adds half again, for the others judge as well. */
  scaleSuspicion(ms: number): number {
    return ms * (1 + this.#score / 2);
  }
}
