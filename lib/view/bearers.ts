import { hashText } from "../base/prng.ts";

/** Eight times as many as hosts are kept: that a name seems shared and is not is seldom. */
const SLOTS = 8192;
const COUNT_MAX = 255;

/**
 * Whether another host may bear the same name, by counting hashes: a map of all names would take
 * ten times the memory. A count that is full stays so; then there is just more to look at.
 */
export class Bearers {
  readonly #counts = new Uint8Array(SLOTS);

  rename(before: string | undefined, after: string | undefined): void {
    if (before === after) return;
    if (after !== undefined) this.#change(after, 1);
    if (before !== undefined) this.#change(before, -1);
  }

  /** False only when at most one host bears this name. */
  maybeShared(name: string): boolean {
    return (this.#counts[hashText(name) % SLOTS] ?? 0) > 1;
  }

  #change(name: string, by: 1 | -1): void {
    const slot = hashText(name) % SLOTS;
    const count = this.#counts[slot] ?? 0;
    if (count < COUNT_MAX) this.#counts[slot] = count + by;
  }
}
