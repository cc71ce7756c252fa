import type { Log } from "#agent/ports/log.ts";
import type { Guest } from "./guest.ts";
import { agentOf, setGuestClock } from "./guest-clock.ts";
import type { GuestTable } from "./guest-table.ts";
import { runGuest } from "./run-guest.ts";
import { readImage, writeImage } from "./saved-image.ts";

/**
 * Finishes what an agent that died left half done on its own host, so that the copy is plain again
 * before anybody looks: a suspend either holds as a whole or never was, and so does a resume.
 * Copies of moves are left as they are: only journals decide about those.
 */
export async function settleGuest(guest: Guest, table: GuestTable, log: Log): Promise<void> {
  const { role } = guest.record;
  if (role !== "suspending" && role !== "resuming") return;
  try {
    const how =
      role === "suspending"
        ? await settleSuspend(guest, table)
        : await settleResume(guest, table, log);
    log.write("info", "finished what the last agent began", { vm: guest.vm, role, how });
  } catch (error) {
    log.write("warn", "cannot finish what the last agent began", {
      vm: guest.vm,
      role,
      reason: (error as Error).message,
    });
  }
}

async function settleSuspend(guest: Guest, table: GuestTable): Promise<string> {
  const image = await readImage(guest.paths);
  const { runState } = await guest.monitorState();
  if (image !== undefined && !image.consumed && runState === "postmigrate") {
    await table.kill(guest);
    return "the image is complete: suspended";
  }
  if (runState !== "running") await runGuest(guest);
  await guest.note({ role: "own" });
  return "the image is not complete: it runs on";
}

async function settleResume(guest: Guest, table: GuestTable, log: Log): Promise<string> {
  const { runState } = await guest.monitorState();
  const image = await readImage(guest.paths);
  if (runState === "inmigrate" && image !== undefined) {
    await table.kill(guest);
    await writeImage(guest.paths, { ...image, consumed: false });
    return "it had not run yet: suspended";
  }
  if (runState !== "running") await runGuest(guest);
  await guest.note({ role: "own" });
  // Its clock may have been set before the agent died, or not.
  const agent = await agentOf(guest);
  await setGuestClock(guest, agent, log);
  agent?.close();
  return "it runs";
}
