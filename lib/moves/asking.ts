import type { MoveParams } from "./params.ts";

/**
 * Repeats a question with growing pauses until it is answered, and knows for how long it has gone
 * unanswered. A state of its own because both ends ask, each in several phases.
 */
export class Asking {
  readonly #params: MoveParams;
  #sinceMs: number | undefined;
  #nextMs: number | undefined;
  #pauseMs = 0;

  constructor(params: MoveParams) {
    this.#params = params;
  }

  /** Starts anew: the first question is due `inMs` from now. */
  begin(nowMs: number, inMs: number): void {
    this.#sinceMs = nowMs;
    this.#pauseMs = this.#params.askMsMin;
    this.#nextMs = nowMs + inMs;
  }

  /** Goes on asking, with the pauses and the doubt so far; starts when nothing is asked. */
  again(nowMs: number, inMs: number): void {
    if (this.#nextMs === undefined) this.begin(nowMs, inMs);
  }

  stop(): void {
    this.#sinceMs = undefined;
    this.#nextMs = undefined;
  }

  /** The other end was heard, without deciding anything: doubt starts over, the pauses stay. */
  heard(nowMs: number): void {
    if (this.#sinceMs !== undefined) this.#sinceMs = nowMs;
  }

  /** True when the question is due; the next one is then twice as far away, up to a bound. */
  due(nowMs: number): boolean {
    if (this.#nextMs === undefined || nowMs < this.#nextMs) return false;
    this.#nextMs = nowMs + this.#pauseMs;
    this.#pauseMs = Math.min(this.#pauseMs * 2, this.#params.askMsMax);
    return true;
  }

  get nextMs(): number | undefined {
    return this.#nextMs;
  }

  /** How long the question has gone unanswered; 0 when nothing is asked. */
  silentMs(nowMs: number): number {
    return this.#sinceMs === undefined ? 0 : nowMs - this.#sinceMs;
  }
}
