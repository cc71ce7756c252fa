import { HypervisorError } from "../hypervisor-error.ts";
import { sleep } from "../sleep.ts";
import type { Guest } from "./guest.ts";

/** The other end's QEMU may hold its image lock for as long as it takes to die. */
const LOCK_WAIT_MS = 15_000;
const LOCK_POLL_MS = 50;
/** Gratuitous ARP and RARP, a few times over a second: QEMU's own defaults after a migration. */
const ANNOUNCE = { initial: 50, max: 550, rounds: 5, step: 100 };

/** Lets the guest's processors run. A held image lock is waited for, within a bound. */
export async function runGuest(guest: Guest): Promise<void> {
  const endMs = guest.clock.nowMs() + LOCK_WAIT_MS;
  for (;;) {
    try {
      await guest.execute("cont");
      return;
    } catch (error) {
      if (!isLockFailure(error)) throw error;
      if (guest.clock.nowMs() > endMs) {
        const words = `VM ${guest.vm}: another process holds its disk for ${LOCK_WAIT_MS} ms: find it with lsof`;
        throw new HypervisorError(words, { code: "STORAGE", cause: error });
      }
    }
    await sleep(LOCK_POLL_MS, guest.clock);
  }
}

/** Tells switches and neighbours where the guest's addresses are now. */
export async function announceGuest(guest: Guest): Promise<void> {
  if (guest.record.spec.network.kind === "none") return;
  await guest.execute("announce-self", ANNOUNCE);
}

function isLockFailure(error: unknown): boolean {
  return (
    error instanceof HypervisorError &&
    error.code === "COMMAND_FAILED" &&
    /\block\b/i.test(error.message)
  );
}
