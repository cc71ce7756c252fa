import type { Clock } from "#agent/ports/clock.ts";

/** Resolves after `delayMs`. */
export function sleep(delayMs: number, clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    clock.after(delayMs, resolve);
  });
}
