import type { Clock } from "#agent/ports/clock.ts";

/** Events of one happening come in a burst; watchers hear of it once. */
const COALESCE_MS = 30;

/** Those who want to hear that something happened to a copy: the `watch` of a driver. */
export class ChangeWatchers {
  readonly #clock: Clock;
  readonly #watchers = new Set<() => void>();
  #tellLater: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Returns how to stop. */
  watch(changed: () => void): () => void {
    this.#watchers.add(changed);
    return () => this.#watchers.delete(changed);
  }

  /** Something happened. */
  tell(): void {
    if (this.#watchers.size === 0) return;
    this.#tellLater ??= this.#clock.after(COALESCE_MS, () => {
      this.#tellLater = undefined;
      for (const changed of this.#watchers) changed();
    });
  }

  /** Nobody hears of anything any more. */
  close(): void {
    this.#tellLater?.();
    this.#tellLater = undefined;
    this.#watchers.clear();
  }
}
