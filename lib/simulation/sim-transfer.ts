import type { HostId, MoveId, VmName } from "../model/ids.ts";
import type { TransferProgress } from "../model/transfer-progress.ts";
import type { GuestMemory, SimHost } from "./sim-host.ts";
import { SimHostError } from "./sim-host-error.ts";
import type { SimLinks } from "./sim-links.ts";
import type { VirtualClock } from "./virtual-clock.ts";

/** Both ends give a stream up that has stalled for this long (TCP keep-alive), ms. */
const stallMsMax = 45_000;
/** Least time that the guest stands still at the switch-over, ms. */
const haltMsMin = 20;

export interface TransferOptions {
  readonly clock: VirtualClock;
  readonly links: SimLinks;
  readonly moveId: MoveId;
  readonly vm: VmName;
  readonly source: { readonly id: HostId; readonly host: SimHost };
  readonly target: { readonly id: HostId; readonly host: SimHost };
  readonly bytes: number;
  readonly bandwidthBytesPerSecond: number;
  readonly dirtyBytesPerSecond: number;
  /** Told once how it ended for the source: null when sent. */
  readonly sourceEnded: (error: SimHostError | null) => void;
}

type Phase = "copying" | "halted" | "acknowledging" | "sent" | "broken";

/**
 * One migration stream, as QEMU's with a return path: memory is copied while the guest runs, the
 * guest halts, the rest goes over, the target is whole, the source hears of it. Each end learns of
 * a break by itself and at its own time; a source that has not heard runs on.
 */
export class SimTransfer {
  readonly #options: TransferOptions;
  #phase: Phase = "copying";
  #memory: GuestMemory = { boot: "", ranMs: 0 };
  #leftMs: number;
  readonly #copyMs: number;
  #runningSinceMs: number | undefined;
  #cancelStep: () => void = () => {};
  #cancelStall: () => void = () => {};
  #haltedAtMs = 0;
  #targetBroken = false;

  constructor(options: TransferOptions) {
    this.#options = options;
    const { bytes, bandwidthBytesPerSecond, dirtyBytesPerSecond } = options;
    const headway = Math.max(0.1, 1 - dirtyBytesPerSecond / bandwidthBytesPerSecond);
    this.#copyMs = (bytes / bandwidthBytesPerSecond / headway) * 1000;
    this.#leftMs = this.#copyMs;
  }

  /** Throws SimHostError when the source has no running copy. */
  begin(): void {
    this.#options.source.host.beginSending(this.#options.moveId, this.#options.vm);
    this.linksChanged();
  }

  get moveId(): MoveId {
    return this.#options.moveId;
  }

  get haltedForMs(): number {
    return this.#phase === "copying" ? 0 : this.#options.clock.nowMs - this.#haltedAtMs;
  }

  progress(): TransferProgress {
    const { moveId, bytes, dirtyBytesPerSecond } = this.#options;
    const left = this.#phase === "copying" ? this.#left() / this.#copyMs : 0;
    const transferredBytes = Math.round(bytes * (1 - left));
    return {
      moveId,
      transferredBytes,
      remainingBytes: bytes - transferredBytes,
      totalBytes: bytes,
      dirtyBytesPerSecond,
    };
  }

  /** Goes on, or stands still, as the link between the two now allows. */
  linksChanged(): void {
    const { links, clock, source, target } = this.#options;
    if (this.#over()) return;
    this.#stopWork();
    if (links.connects(source.id, target.id)) {
      this.#runningSinceMs = clock.nowMs;
      this.#cancelStep = clock.after(this.#leftMs, () => this.#stepDone());
      return;
    }
    this.#cancelStall();
    this.#cancelStall = clock.after(stallMsMax, () => {
      this.breakSource("MIGRATION_FAILED", "the stream timed out");
      this.breakTarget();
    });
  }

  /** The source's end is closed: the guest runs on there, unless it was sent. */
  breakSource(code: "MIGRATION_FAILED" | "MIGRATION_CANCELLED" | "NO_PROGRESS", why: string): void {
    if (this.#phase === "sent" || this.#phase === "broken") return;
    const { source, vm, clock, sourceEnded } = this.#options;
    this.#stopWork();
    this.#phase = "broken";
    this.#cancelStall();
    source.host.failSending(vm, clock.nowMs);
    sourceEnded(new SimHostError(code, `${vm} was not sent: ${why}`));
  }

  /** The target's end is closed: its copy ends, unless it was whole. */
  breakTarget(): void {
    if (this.#targetBroken) return;
    this.#targetBroken = true;
    this.#stopWork();
    const { target, vm, moveId } = this.#options;
    if (target.host.copy(vm)?.moveId === moveId) target.host.failReceiving(vm);
  }

  #over(): boolean {
    return this.#phase === "sent" || this.#phase === "broken" || this.#targetBroken;
  }

  #left(): number {
    if (this.#runningSinceMs === undefined) return this.#leftMs;
    return Math.max(0, this.#leftMs - (this.#options.clock.nowMs - this.#runningSinceMs));
  }

  #stopWork(): void {
    this.#leftMs = this.#left();
    this.#runningSinceMs = undefined;
    this.#cancelStep();
    this.#cancelStall();
  }

  #stepDone(): void {
    const { clock, source, target, vm, moveId, sourceEnded } = this.#options;
    if (this.#phase === "copying") {
      if (source.host.copy(vm)?.state !== "sending") return;
      this.#memory = source.host.haltSending(vm, clock.nowMs);
      this.#haltedAtMs = clock.nowMs;
      this.#nextPhase("halted", haltMsMin);
    } else if (this.#phase === "halted") {
      const copy = target.host.copy(vm);
      if (copy?.state !== "receiving" || copy.moveId !== moveId) return;
      target.host.finishReceiving(vm, this.#memory);
      this.#nextPhase("acknowledging", 0.5);
    } else if (this.#phase === "acknowledging") {
      if (source.host.copy(vm)?.state !== "sending") return;
      this.#stopWork();
      this.#phase = "sent";
      source.host.finishSending(vm);
      sourceEnded(null);
    }
  }

  #nextPhase(phase: Phase, ms: number): void {
    this.#runningSinceMs = undefined;
    this.#phase = phase;
    this.#leftMs = ms;
    this.linksChanged();
  }
}
