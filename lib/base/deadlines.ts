import { assert } from "./assert.ts";
import { compareText } from "./ordered.ts";

/**
 * The timers of a state machine that reads no clock: when each reason falls due, in ms of the
 * caller's monotonic clock. One deadline a key; setting it again replaces it.
 */
export class Deadlines<Key extends string> {
  readonly #atMs = new Map<Key, number>();
  /** The earliest, which is asked for after every event; undefined when it must be looked for. */
  #earliestMs: number | undefined = Number.POSITIVE_INFINITY;

  /** Throws AssertionError when `atMs` is not finite: such a timer would never fall due. */
  set(key: Key, atMs: number): void {
    if (!Number.isFinite(atMs)) assert(false, `deadline ${key} at ${atMs} ms`);
    const before = this.#atMs.get(key);
    this.#atMs.set(key, atMs);
    if (this.#earliestMs === undefined) return;
    if (atMs <= this.#earliestMs) this.#earliestMs = atMs;
    else if (before === this.#earliestMs) this.#earliestMs = undefined;
  }

  stop(key: Key): void {
    const before = this.#atMs.get(key);
    if (before === undefined) return;
    this.#atMs.delete(key);
    if (before === this.#earliestMs) this.#earliestMs = undefined;
  }

  has(key: Key): boolean {
    return this.#atMs.has(key);
  }

  /** When `key` falls due; undefined when it is not set. */
  atMs(key: Key): number | undefined {
    return this.#atMs.get(key);
  }

  /** Removes and returns what is due at `nowMs`, earliest first, then by key. */
  due(nowMs: number): Key[] {
    if (this.#earliest() > nowMs) return [];
    const expired: { key: Key; atMs: number }[] = [];
    for (const [key, atMs] of this.#atMs) {
      if (atMs <= nowMs) expired.push({ key, atMs });
    }
    for (const { key } of expired) this.#atMs.delete(key);
    this.#earliestMs = undefined;
    return expired
      .sort((a, b) => a.atMs - b.atMs || compareText(a.key, b.key))
      .map(({ key }) => key);
  }

  /** The earliest deadline; undefined when there is none. */
  nextMs(): number | undefined {
    const earliestMs = this.#earliest();
    return earliestMs === Number.POSITIVE_INFINITY ? undefined : earliestMs;
  }

  #earliest(): number {
    if (this.#earliestMs !== undefined) return this.#earliestMs;
    let earliestMs = Number.POSITIVE_INFINITY;
    for (const atMs of this.#atMs.values()) earliestMs = Math.min(earliestMs, atMs);
    this.#earliestMs = earliestMs;
    return earliestMs;
  }
}
