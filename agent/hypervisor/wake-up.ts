import type { Clock } from "#agent/ports/clock.ts";

/** A wait that ends early: for loops that poll, but should not miss what they are told. */
export class WakeUp {
  #woken = false;
  #wake: (() => void) | undefined;

  /** Ends the wait under way, or the next one. */
  now(): void {
    this.#woken = true;
    this.#wake?.();
  }

  /** Resolves after `delayMs`, or as soon as it is woken. */
  async within(delayMs: number, clock: Clock): Promise<void> {
    if (!this.#woken) {
      await new Promise<void>((resolve) => {
        const forget = clock.after(delayMs, resolve);
        this.#wake = () => {
          forget();
          resolve();
        };
      });
    }
    this.#woken = false;
    this.#wake = undefined;
  }
}
