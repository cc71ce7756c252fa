import type { MigrateOutEnd, MigrateOutOrder } from "#agent/ports/hypervisor.ts";
import { Headway, type TransferLook } from "../headway.ts";
import { HypervisorError, type HypervisorErrorCode } from "../hypervisor-error.ts";
import { WakeUp } from "../wake-up.ts";
import { type DomainLook, isRunning, pausedReasons, wasMigrated } from "./domain-state.ts";
import { diskWords } from "./fit-copies.ts";
import { virshOf } from "./libvirt-life.ts";
import type { LibvirtParts } from "./libvirt-parts.ts";
import { openToQemu } from "./move-folder.ts";
import { diskSocket, moveSocket, seenSockets, targetUri } from "./move-paths.ts";
import { runVirsh, type VirshRun } from "./run-virsh.ts";
import { readJob, settledLook } from "./settled-look.ts";
import type { DomainEvent } from "./virsh-events.ts";

const FIRST_LOOK_MS = 50;
const LOOK_INTERVAL_MS = 250;
/** libvirtd restarts within this, or is mended by hand. */
const SETTLE_MS_MAX = 30_000;
/** After a first request to stop; then the channel has to be cut. */
const STOP_MS_MAX = 15_000;
const MIB = 1 << 20;
const nothingSent: TransferLook = {
  transferredBytes: 0,
  remainingBytes: 0,
  totalBytes: 0,
  dirtyBytesPerSecond: null,
  passes: 1,
  throttleShare: 0,
};

/**
 * One migration out. How it ended is never taken from virsh's exit code: it is read from what is
 * left here, since libvirt gives a copy away, or takes it back, by itself.
 */
export class MigrateOut {
  readonly #parts: LibvirtParts;
  readonly #order: MigrateOutOrder;
  readonly #wakeUp = new WakeUp();
  #look = nothingSent;
  #pausedAtMs: number | undefined;
  #givenUp: { code: HypervisorErrorCode; words: string; atMs: number } | undefined;
  #over = false;

  constructor(parts: LibvirtParts, order: MigrateOutOrder) {
    this.#parts = parts;
    this.#order = order;
  }

  async run(signal: AbortSignal): Promise<MigrateOutEnd> {
    const { settings, events, place } = this.#parts;
    const unlisten = events.listen((event) => this.#heard(event));
    const aborted = () => this.#giveUp("MIGRATION_CANCELLED", "nobody waits for it any longer");
    if (signal.aborted) aborted();
    signal.addEventListener("abort", aborted);
    // QEMU, with fewer rights than we have, connects to it; the folder lets no other user pass.
    for (const socket of seenSockets(settings, this.#order.moveId, place)) {
      await openToQemu(socket).catch(() => undefined);
    }
    const migration = this.#begin();
    try {
      let said = "";
      const ended = migration.ended.then(
        () => undefined,
        (error: Error) => {
          said = error.message;
        },
      );
      void ended.then(() => {
        this.#over = true;
        this.#wakeUp.now();
      });
      await this.#follow();
      return await this.#outcome(said);
    } finally {
      unlisten();
      signal.removeEventListener("abort", aborted);
      // The migration is libvirtd's, not virsh's: this ends only the one who waits for it.
      migration.process.kill("SIGKILL");
    }
  }

  #begin(): VirshRun {
    const { vm, moveId, limits } = this.#order;
    const { settings, facts, place } = this.#parts;
    const socket = moveSocket(moveId, place);
    const mibPerSecond = Math.ceil(limits.bandwidthBytesPerSecond / MIB);
    const live = facts.liveMigrationRefusal === null ? ["--live"] : [];
    return runVirsh(virshOf(this.#parts), [
      ...["migrate", vm, targetUri(settings, socket), "--migrateuri", `unix://${socket}`],
      ...live,
      // Without --suspend a lost answer leaves two that run; --undefinesource leaves no autostart.
      ...["--p2p", "--suspend", "--persistent", "--undefinesource", "--abort-on-error"],
      ...diskWords(this.#parts.fits.onTheWay(vm), diskSocket(moveId, place)),
      ...(mibPerSecond > 0 ? ["--bandwidth", String(mibPerSecond)] : []),
    ]);
  }

  /** Until virsh ends, or for a bounded time after the transfer was to stop. */
  async #follow(): Promise<void> {
    const { clock } = this.#parts.settings;
    const headway = new Headway(clock.nowMs());
    let stopped = false;
    await this.#wakeUp.within(FIRST_LOOK_MS, clock);
    while (!this.#over) {
      // Once the guest stands still, domjobinfo may wait for the end of it all.
      const look = (this.#pausedAtMs === undefined && (await this.#readJob())) || this.#look;
      this.#progress(look);
      const idleMs = headway.idleMs(look, clock.nowMs());
      if (idleMs > this.#order.limits.noProgressMs && this.#pausedAtMs === undefined) {
        this.#giveUp("NO_PROGRESS", noHeadway(look, idleMs));
      }
      if (this.#givenUp !== undefined && !stopped) {
        stopped = true;
        await this.#stop();
      }
      if (clock.nowMs() - (this.#givenUp?.atMs ?? clock.nowMs()) > STOP_MS_MAX) return;
      if (!this.#over) await this.#wakeUp.within(this.#waitMs, clock);
    }
  }

  /** All memory of a small guest is over within a quarter of a second of its first byte. */
  get #waitMs(): number {
    return this.#look.transferredBytes === 0 ? FIRST_LOOK_MS : LOOK_INTERVAL_MS;
  }

  async #readJob(): Promise<TransferLook | undefined> {
    const job = await readJob(this.#parts, this.#order.vm).catch(() => undefined);
    return job?.isActive ? job.look : undefined;
  }

  async #stop(): Promise<void> {
    await this.#parts.ordering.ask(["domjobabort", this.#order.vm]).catch(() => undefined);
  }

  #progress(look: TransferLook): void {
    if (look === this.#look) return;
    this.#look = look;
    const { passes: _passes, throttleShare: _throttleShare, ...figures } = look;
    this.#order.progressed({ moveId: this.#order.moveId, ...figures });
  }

  #heard(event: DomainEvent | "missed"): void {
    if (event === "missed" || event.vm !== this.#order.vm) return;
    if (event.event === "reboot") this.#giveUp("MIGRATION_FAILED", "the guest was reset");
    if (event.event !== "lifecycle") return;
    if (event.detail === "Suspended Migrated")
      this.#pausedAtMs = this.#parts.settings.clock.nowMs();
    if (event.detail.startsWith("Resumed")) this.#pausedAtMs = undefined;
    this.#wakeUp.now();
  }

  #giveUp(code: HypervisorErrorCode, words: string): void {
    this.#givenUp ??= { code, words, atMs: this.#parts.settings.clock.nowMs() };
    this.#wakeUp.now();
  }

  async #outcome(said: string): Promise<MigrateOutEnd> {
    const { vm } = this.#order;
    const look = await settledLook(this.#parts, vm, SETTLE_MS_MAX);
    if (look === undefined || wasMigrated(look)) return this.#end("handed");
    if (isRunning(look)) throw this.#failure(said);
    if (look.reason === pausedReasons.migration && look.state === 3) return this.#end("sent");
    // libvirtd died over its own clean-up: seen paused and never resumed, the copy is given away.
    if (isOff(look) && this.#pausedAtMs !== undefined) return this.#end("handed");
    throw this.#failure(said);
  }

  #end(end: MigrateOutEnd["end"]): MigrateOutEnd {
    const { clock } = this.#parts.settings;
    return {
      end,
      transferredBytes: this.#look.transferredBytes,
      pausedForMs: clock.nowMs() - (this.#pausedAtMs ?? clock.nowMs()),
    };
  }

  #failure(said: string): HypervisorError {
    const { vm, moveId } = this.#order;
    const cancelled = /canceled by client/.test(said);
    const code = cancelled ? "MIGRATION_CANCELLED" : "MIGRATION_FAILED";
    const failure = this.#givenUp ?? { code, words: cancelled ? "it was cancelled" : said };
    const words = `VM ${vm}: the move ${moveId} failed and it stays here: ${failure.words}`;
    return new HypervisorError(words, { code: failure.code });
  }
}

/** Daemons that know their hosts' names come to the first byte within a second. */
function noHeadway({ transferredBytes }: TransferLook, idleMs: number): string {
  const words = `no headway for ${Math.round(idleMs)} ms`;
  if (transferredBytes > 0) return words;
  return `${words}, no byte of it flowed: 'evenkeel doctor' on both hosts says if libvirtd waits for a name server`;
}

function isOff(look: DomainLook): boolean {
  return look.state === 5;
}
