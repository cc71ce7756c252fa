/** Longest that anything in an integration test may take to come true, unless it says otherwise. */
const WAIT_MS_MAX = 30_000;
const POLL_MS = 20;

export interface EventuallyOptions {
  readonly limitMs?: number;
  readonly pollMs?: number;
}

/**
 * Asks `holds` again and again until it is true; throws with `what` when it never was, with the
 * last error of `holds` as its cause. Resolves with how long it took, ms.
 */
export async function eventually(
  what: string,
  holds: () => Promise<boolean>,
  options: EventuallyOptions = {},
): Promise<number> {
  const { limitMs = WAIT_MS_MAX, pollMs = POLL_MS } = options;
  const startMs = performance.now();
  let cause: unknown;
  for (;;) {
    try {
      if (await holds()) return performance.now() - startMs;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    if (performance.now() > startMs + limitMs) {
      throw new Error(`waited ${limitMs} ms in vain: ${what}`, { cause });
    }
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}
