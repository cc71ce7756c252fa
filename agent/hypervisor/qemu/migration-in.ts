import { HypervisorError } from "../hypervisor-error.ts";
import { WakeUp } from "../wake-up.ts";
import type { Guest } from "./guest.ts";
import { processEnded } from "./guest-process.ts";
import { setPassage } from "./migration-setup.ts";
import { readMigrationInfo } from "./query-migrate.ts";

const LOOK_INTERVAL_MS = 200;

/** Makes a waiting copy listen for the stream; resolves when it does. */
export async function listenForStream(guest: Guest): Promise<void> {
  await setPassage(guest, "move");
  await guest.execute("migrate-incoming", { uri: `unix:${guest.paths.incoming}` });
}

/**
 * Resolves when the copy's own query-migrate says completed and the copy is paused: it is whole and
 * has not run. Rejects when the stream failed, the process ended or the caller gave up.
 */
export async function streamReceived(guest: Guest, signal: AbortSignal): Promise<void> {
  const wakeUp = new WakeUp();
  const wake = () => wakeUp.now();
  const unlisten = guest.listen(wake);
  signal.addEventListener("abort", wake, { once: true });
  try {
    while (!(await isReceived(guest))) {
      if (signal.aborted) {
        const words = `VM ${guest.vm}: nobody waits for its stream any more`;
        throw new HypervisorError(words, { code: "MIGRATION_CANCELLED", cause: signal.reason });
      }
      await wakeUp.within(LOOK_INTERVAL_MS, guest.clock);
    }
  } finally {
    signal.removeEventListener("abort", wake);
    unlisten();
  }
}

async function isReceived(guest: Guest): Promise<boolean> {
  if (!(await guest.isAlive())) throw await processEnded(guest.vm, guest.paths.output);
  const info = readMigrationInfo(await guest.execute("query-migrate"));
  if (info.status === "failed" || info.status === "cancelled") {
    const words = `VM ${guest.vm}: its stream failed: ${info.error ?? info.status}`;
    throw new HypervisorError(words, { code: "MIGRATION_FAILED" });
  }
  if (info.status !== "completed") return false;
  return (await guest.state()) === "received";
}
