import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import type { AgentHost } from "../../test/support/agent-host.ts";

/** As fine as the figure is. */
const POLL_MS = 25;
/** What the guest's web server says when it has passed its first health check (scripts/lab/web.c). */
const WELL = /^well\r?$/m;

/**
 * Looks on while a member is staged: how long from the start of its QEMU process until its health
 * check passed, ms. Rejects once `signal` is aborted.
 */
export async function bootMsOf(
  host: AgentHost,
  member: string,
  signal: AbortSignal,
): Promise<number> {
  while (!host.guests().some(({ vm }) => vm === member)) {
    await pause(POLL_MS, undefined, { signal });
  }
  const startMs = performance.now();
  while (!WELL.test(textOf(host.serialPath(member)))) await pause(POLL_MS, undefined, { signal });
  return performance.now() - startMs;
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    // QEMU makes it a moment after its start.
    return "";
  }
}
