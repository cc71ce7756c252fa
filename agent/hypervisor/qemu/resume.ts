import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Log } from "#agent/ports/log.ts";
import { HypervisorError } from "../hypervisor-error.ts";
import { WakeUp } from "../wake-up.ts";
import type { Guest } from "./guest.ts";
import type { GuestAgent } from "./guest-agent.ts";
import { agentOf, setGuestClock } from "./guest-clock.ts";
import type { GuestPaths } from "./guest-paths.ts";
import { copyMemory } from "./memory-file.ts";
import { setPassage } from "./migration-setup.ts";
import { readMigrationInfo } from "./query-migrate.ts";
import { announceGuest, runGuest } from "./run-guest.ts";
import { type SavedImage, writeImage } from "./saved-image.ts";
import { sendState } from "./state-stream.ts";

const LOOK_INTERVAL_MS = 20;
const LOAD_WAIT_MS = 60_000;

export interface Resume {
  readonly vm: string;
  readonly paths: GuestPaths;
  readonly image: SavedImage;
  readonly memoryPath: string;
  readonly log: Log;
  /** Starts the waiting process on `memoryPath`. */
  launch(): Promise<Guest>;
  kill(guest: Guest): Promise<void>;
}

/**
 * Runs a guest on from its image. The image is marked consumed on the disk before the process
 * exists; only when the guest surely never ran on it is the mark taken back.
 */
export async function resumeGuest(resume: Resume): Promise<Guest> {
  const { paths, image, memoryPath } = resume;
  await writeImage(paths, { ...image, consumed: true });
  let guest: Guest | undefined;
  let agent: GuestAgent | undefined;
  try {
    const kept = join(paths.folder, image.memoryFile);
    if (memoryPath !== kept) await copyMemory(kept, memoryPath);
    guest = await resume.launch();
    agent = await agentOf(guest);
    await load(guest, join(paths.folder, image.stateFile));
  } catch (cause) {
    if (guest !== undefined) await resume.kill(guest);
    agent?.close();
    if (memoryPath !== join(paths.folder, image.memoryFile)) await rm(memoryPath, { force: true });
    // QEMU writes into the memory only once the guest runs, which it was never told to.
    await writeImage(paths, image);
    throw cause;
  }
  try {
    await runGuest(guest);
    await Promise.all([setGuestClock(guest, agent, resume.log), settle(guest)]);
    return guest;
  } finally {
    agent?.close();
  }
}

async function settle(guest: Guest): Promise<void> {
  await guest.note({ role: "own" });
  await announceGuest(guest);
}

async function load(guest: Guest, statePath: string): Promise<void> {
  await setPassage(guest, "save");
  await guest.execute("migrate-incoming", { uri: `unix:${guest.paths.state}` });
  const stopSending = sendState(statePath, guest.paths.state);
  const wakeUp = new WakeUp();
  const unlisten = guest.listen(() => wakeUp.now());
  const endMs = guest.clock.nowMs() + LOAD_WAIT_MS;
  try {
    for (;;) {
      const info = readMigrationInfo(await guest.execute("query-migrate"));
      if (info.status === "completed") return;
      if (info.status === "failed" || guest.clock.nowMs() > endMs) {
        const words = `VM ${guest.vm}: its saved state cannot be loaded: ${info.error ?? info.status}`;
        throw new HypervisorError(words, { code: "MIGRATION_FAILED" });
      }
      await wakeUp.within(LOOK_INTERVAL_MS, guest.clock);
    }
  } finally {
    stopSending();
    unlisten();
  }
}
