import { assert } from "./assert.ts";
import { compareText } from "./ordered.ts";

/**
 * The timers of a state machine that reads no clock: when each reason falls due, in ms of the
 * caller's monotonic clock. One deadline a key; setting it again replaces it.
 */
export class Deadlines<Key extends string> {
  readonly #atMs = new Map<Key, number>();

  /** Throws AssertionError when `atMs` is not finite: such a timer would never fall due. */
  set(key: Key, atMs: number): void {
    assert(Number.isFinite(atMs), `deadline ${key} at ${atMs} ms`);
    this.#atMs.set(key, atMs);
  }

  stop(key: Key): void {
    this.#atMs.delete(key);
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
    const expired: { key: Key; atMs: number }[] = [];
    for (const [key, atMs] of this.#atMs) {
      if (atMs <= nowMs) expired.push({ key, atMs });
    }
    for (const { key } of expired) this.#atMs.delete(key);
    return expired
      .sort((a, b) => a.atMs - b.atMs || compareText(a.key, b.key))
      .map(({ key }) => key);
  }

  /** The earliest deadline; undefined when there is none. */
  nextMs(): number | undefined {
    let earliest: number | undefined;
    for (const atMs of this.#atMs.values()) {
      if (earliest === undefined || atMs < earliest) earliest = atMs;
    }
    return earliest;
  }
}
