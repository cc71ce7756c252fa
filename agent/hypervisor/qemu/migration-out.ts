/**
 * The source's half of a transfer.
 *
 * QEMU streams into a UNIX socket that the channel listens on. What ends it: QEMU says completed
 * (the copy is paused, sent, and the choice is ours), failed, or cancelled; there is no headway;
 * the guest powers off or resets; the caller gives up. In all cases but the first the guest runs
 * on here when the call rejects, unless its process is gone.
 */
import type { MigrateOutEnd, MigrateOutOrder } from "#agent/ports/hypervisor.ts";
import { Headway } from "../headway.ts";
import { HypervisorError, type HypervisorErrorCode } from "../hypervisor-error.ts";
import { sleep } from "../sleep.ts";
import { WakeUp } from "../wake-up.ts";
import { isTransferring } from "./copy-state.ts";
import type { Guest } from "./guest.ts";
import { setLimits, setPassage } from "./migration-setup.ts";
import type { QmpEvent } from "./qmp-client.ts";
import { type MigrationInfo, readMigrationInfo } from "./query-migrate.ts";
import { runGuest } from "./run-guest.ts";

/** Looks at a running transfer: five a second, and at once when QEMU reports a change. */
const LOOK_INTERVAL_MS = 200;
/** A cancelled migration shuts its socket at once; QEMU then needs a moment to clean up. */
const CANCEL_WAIT_MS = 10_000;
const CANCEL_POLL_MS = 10;

interface Failure {
  readonly code: HypervisorErrorCode;
  readonly words: string;
}

/** Streams the guest out. `stopFirst` for a guest that must not run while its memory is copied. */
export class MigrationOut {
  readonly #guest: Guest;
  readonly #order: MigrateOutOrder;
  readonly #wakeUp = new WakeUp();
  readonly #headway: Headway;
  #pausedAtMs: number | undefined;
  #failure: Failure | undefined;

  constructor(guest: Guest, order: MigrateOutOrder) {
    this.#guest = guest;
    this.#order = order;
    this.#headway = new Headway(guest.clock.nowMs());
  }

  async run(stopFirst: boolean, signal: AbortSignal): Promise<MigrateOutEnd> {
    const unlisten = this.#guest.listen((event) => this.#heard(event));
    const give = () => this.#giveUp("MIGRATION_CANCELLED", "the move was given up");
    signal.addEventListener("abort", give, { once: true });
    try {
      if (signal.aborted) give();
      await this.#begin(stopFirst);
      return await this.#follow();
    } catch (error) {
      await this.#runOn();
      throw error;
    } finally {
      signal.removeEventListener("abort", give);
      unlisten();
    }
  }

  async #begin(stopFirst: boolean): Promise<void> {
    await setPassage(this.#guest, "move");
    await setLimits(this.#guest, this.#order.limits);
    if (stopFirst) await this.#guest.execute("stop");
    await this.#guest.execute("migrate", { uri: `unix:${this.#order.socketPath}` });
  }

  async #follow(): Promise<MigrateOutEnd> {
    for (;;) {
      const info = readMigrationInfo(await this.#guest.execute("query-migrate"));
      this.#report(info);
      if (info.status === "completed") return this.#end(info);
      if (!isTransferring(info.status)) throw this.#error(info);
      this.#judge(info);
      if (this.#failure !== undefined) {
        // Completed in the very moment of giving up: then the copy is sent, and that is the truth.
        const last = await cancelTransfer(this.#guest);
        if (last.status === "completed") return this.#end(last);
        throw this.#error(last);
      }
      await this.#wakeUp.within(LOOK_INTERVAL_MS, this.#guest.clock);
    }
  }

  #report({ look }: MigrationInfo): void {
    this.#order.progressed({ moveId: this.#order.moveId, ...look });
  }

  #judge({ look }: MigrationInfo): void {
    const { noProgressMs } = this.#order.limits;
    if (this.#headway.idleMs(look, this.#guest.clock.nowMs()) < noProgressMs) return;
    const left = `${look.remainingBytes} of ${look.totalBytes} bytes left`;
    const rate = look.dirtyBytesPerSecond;
    const dirty = rate === null ? "" : `, the guest writes ${rate} bytes a second`;
    this.#giveUp("NO_PROGRESS", `no headway for ${noProgressMs} ms: ${left}${dirty}`);
  }

  #heard({ name }: QmpEvent): void {
    if (name === "STOP") this.#pausedAtMs = this.#guest.clock.nowMs();
    if (name === "RESUME") this.#pausedAtMs = undefined;
    if (name === "SHUTDOWN") this.#giveUp("MIGRATION_FAILED", "the guest powered off");
    if (name === "RESET") this.#giveUp("MIGRATION_FAILED", "the guest was reset");
    this.#wakeUp.now();
  }

  #giveUp(code: HypervisorErrorCode, words: string): void {
    this.#failure ??= { code, words };
    this.#wakeUp.now();
  }

  #end({ look }: MigrationInfo): MigrateOutEnd {
    const nowMs = this.#guest.clock.nowMs();
    return {
      end: "sent",
      transferredBytes: look.transferredBytes,
      pausedForMs: nowMs - (this.#pausedAtMs ?? nowMs),
    };
  }

  #error(info: MigrationInfo): HypervisorError {
    const cancelled = info.status === "cancelled";
    const code = cancelled ? "MIGRATION_CANCELLED" : "MIGRATION_FAILED";
    const words = cancelled ? "it was cancelled" : (info.error ?? "the stream broke");
    const failure = this.#failure ?? { code, words };
    const where = `VM ${this.#guest.vm}: the move ${this.#order.moveId} failed and it stays here`;
    return new HypervisorError(`${where}: ${failure.words}`, { code: failure.code });
  }

  /** The guest runs on after a failure, also one that QEMU did not resume by itself. */
  async #runOn(): Promise<void> {
    const guest = this.#guest;
    if (!(await guest.isAlive())) return;
    try {
      const { runState, migration } = await guest.monitorState();
      if (isTransferring(migration)) await cancelTransfer(guest);
      if (runState === "paused" || runState === "postmigrate") await runGuest(guest);
    } catch {
      // The failure that led here says more than this one; list() shows what state is left.
    }
  }
}

/** Stops a transfer under way and waits for its end; returns how it ended. */
export async function cancelTransfer(guest: Guest): Promise<MigrationInfo> {
  const endMs = guest.clock.nowMs() + CANCEL_WAIT_MS;
  for (let asked = false; ; asked = true) {
    const info = readMigrationInfo(await guest.execute("query-migrate"));
    if (!isTransferring(info.status)) return info;
    if (!asked) await guest.execute("migrate_cancel");
    if (guest.clock.nowMs() > endMs) {
      const words = `VM ${guest.vm}: the transfer does not stop (${info.status})`;
      throw new HypervisorError(words, { code: "TIMED_OUT" });
    }
    await sleep(CANCEL_POLL_MS, guest.clock);
  }
}
