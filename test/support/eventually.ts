/** Longest that anything in an integration test may take to come true. */
const WAIT_MS_MAX = 30_000;
const POLL_MS = 20;

/** Asks `holds` again and again until it is true; throws with `what` when it never was. */
export async function eventually(what: string, holds: () => Promise<boolean>): Promise<void> {
  const endMs = performance.now() + WAIT_MS_MAX;
  while (!(await holds())) {
    if (performance.now() > endMs) throw new Error(`waited ${WAIT_MS_MAX} ms in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
