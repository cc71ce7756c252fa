import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";

/** Problems kept so as not to tell them twice; more at a time are told as one. */
const TOLD_MAX = 64;

/** Logs each problem once while it lasts, and that it is over. */
export class ToldProblems {
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #told = new Set<string>();
  /** What failed at the last look, one line; null when nothing did. */
  problem: string | null = null;
  last: { readonly words: string; readonly atMs: number } | null = null;

  constructor(log: Log, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  /** What failed at this look: nothing when `problems` is empty. */
  note(problems: readonly string[]): void {
    const [first, ...others] = problems;
    if (first === undefined) {
      if (this.problem !== null) this.#log.write("info", "the switch is well again");
      this.problem = null;
      this.#told.clear();
      return;
    }
    this.problem = others.length === 0 ? first : `${first} (and ${others.length} more)`;
    this.last = { words: this.problem, atMs: this.#clock.wallMs() };
    for (const words of problems) {
      if (this.#told.has(words) || this.#told.size >= TOLD_MAX) continue;
      this.#told.add(words);
      this.#log.write("warn", words);
    }
  }
}
