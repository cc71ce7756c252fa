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

  /** Time given to an ack: up to five times as long. */
  scaleProbe(ms: number): number {
    return ms * (1 + this.#score / 2);
  }

  /** Time given to a suspect: up to three times as long, for the others judge as well. */
  scaleSuspicion(ms: number): number {
    return ms * (1 + this.#score / 4);
  }
}
