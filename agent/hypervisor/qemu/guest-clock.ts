/**
 * A guest's clock stands still while the guest sleeps, and nothing in the guest need notice: its
 * agent is told the host's time right after the guest runs again.
 */
import type { Log } from "#agent/ports/log.ts";
import type { Guest } from "./guest.ts";
import { GuestAgent } from "./guest-agent.ts";

/**
 * Until the agent has answered that it listens: QEMU's own sleeps for up to 100 ms while nobody is
 * connected. A guest whose agent is dead costs all of it.
 */
const LISTEN_WAIT_MS = 2_000;
/**
 * QEMU's own agent sets the clock at once, but answers only when the hardware clock is written too
 * (hwclock waits for the next second): no reason to keep the guest from its work for so long.
 */
const SET_WAIT_MS = 250;

/**
 * Connects to the agent of a guest that waits for its state: while it has none, QEMU can tell the
 * guest nothing of the connection. Later, before the guest runs, it would write that into the
 * memory, which has to stay as it was saved; for the same reason nobody is connected while a guest
 * is saved. Undefined for a guest without an agent, or when nobody takes the connection.
 */
export async function agentOf({ record, paths, clock }: Guest): Promise<GuestAgent | undefined> {
  return record.spec.guestAgent ? GuestAgent.connect(paths.agent, clock) : undefined;
}

/** Sets the clock of a guest that has just been let run. Never rejects: what is wrong is logged. */
export async function setGuestClock(
  { vm, record }: Pick<Guest, "vm" | "record">,
  agent: GuestAgent | undefined,
  log: Log,
): Promise<void> {
  if (!record.spec.guestAgent) return;
  const reason = agent === undefined ? "its port takes no connection" : await problemOf(agent);
  if (reason === null) return;
  const words = "the clock of a resumed guest is not set: see that the agent in the guest runs";
  log.write("warn", words, { vm, reason });
}

async function problemOf(agent: GuestAgent): Promise<string | null> {
  const listening = await agent.sync(LISTEN_WAIT_MS);
  if (listening.kind === "silent") return `no answer within ${LISTEN_WAIT_MS} ms`;
  if (listening.kind === "failed") return listening.words;
  const set = await agent.setTime(SET_WAIT_MS);
  // Silent: it listens and was told, and answers when its hardware clock is written, too.
  return set.kind === "failed" ? set.words : null;
}
