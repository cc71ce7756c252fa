import { connect, type Socket } from "node:net";
import type { GuestMemory } from "#lib/simulation/sim-host.ts";
import type { MigrateOutEnd, MigrateOutOrder } from "../../ports/hypervisor.ts";
import { HypervisorError, type HypervisorErrorCode } from "../hypervisor-error.ts";
import type { SimLoad } from "./sim-load.ts";
import { frameKinds, readFrames, writeFrame } from "./stream-frames.ts";

const tickMs = 50;
/** Memory is sent ahead of what has arrived by at most so many ticks' worth. */
const ticksAheadMax = 8;
/** A guest that dirties faster than the link is slowed to this share of it (auto-converge). */
const dirtyShareMax = 0.9;

export interface SimOutgoingOptions {
  readonly order: MigrateOutOrder;
  readonly load: SimLoad;
  readonly bandwidthBytesPerSecond: number;
  /** Bytes that really pass per byte of modelled memory. */
  readonly wireShare: number;
  /** False once the sending copy is gone; asked until it is halted. */
  readonly sends: () => boolean;
  /** Stops the guest and takes its memory. */
  readonly halt: () => GuestMemory;
  readonly nowMs: () => number;
}

/**
 * The source's end of one simulated migration: sends memory at the pace of a link while the guest
 * runs, then halts it, and is done when the target says that all has arrived.
 */
export class SimOutgoing {
  readonly #options: SimOutgoingOptions;
  readonly #ended = Promise.withResolvers<MigrateOutEnd>();
  readonly #socket: Socket;
  #timer: NodeJS.Timeout | undefined;
  #remainingBytes: number;
  #sentBytes = 0;
  #sentWireBytes = 0;
  #arrivedWireBytes = 0;
  #headwayAtMs: number;
  #haltedAtMs: number | undefined;
  #over = false;

  constructor(options: SimOutgoingOptions) {
    this.#options = options;
    this.#remainingBytes = options.load.residentBytes;
    this.#headwayAtMs = options.nowMs();
    this.#socket = connect(options.order.socketPath);
  }

  /** Resolves when sent; rejects with HypervisorError when it failed or was cancelled. */
  run(signal: AbortSignal): Promise<MigrateOutEnd> {
    const socket = this.#socket;
    socket.on("connect", () => {
      this.#timer = setInterval(() => this.#tick(), tickMs);
    });
    socket.on("error", (cause) => this.fail("MIGRATION_FAILED", cause.message));
    socket.on("close", () => this.fail("MIGRATION_FAILED", "the stream broke off"));
    readFrames(socket, ({ kind, body }) => {
      this.#headwayAtMs = this.#options.nowMs();
      if (kind === frameKinds.complete) this.#complete();
      else if (kind === frameKinds.arrived && body.length === 8) {
        this.#arrivedWireBytes = body.readDoubleBE(0);
      }
    });
    const abort = () => this.fail("MIGRATION_CANCELLED", "it was called off");
    signal.addEventListener("abort", abort, { once: true });
    return this.#ended.promise.finally(() => signal.removeEventListener("abort", abort));
  }

  fail(code: HypervisorErrorCode, why: string): void {
    if (!this.#stop()) return;
    const { vm } = this.#options.order;
    this.#ended.reject(new HypervisorError(`VM ${vm} was not sent: ${why}`, { code }));
  }

  #complete(): void {
    if (this.#haltedAtMs === undefined || !this.#stop()) return;
    this.#ended.resolve({
      end: "sent",
      transferredBytes: Math.round(this.#sentBytes),
      pausedForMs: this.#options.nowMs() - this.#haltedAtMs,
    });
  }

  #stop(): boolean {
    if (this.#over) return false;
    this.#over = true;
    clearInterval(this.#timer);
    this.#socket.destroy();
    return true;
  }

  #tick(): void {
    const { order, sends, nowMs } = this.#options;
    // All of a halted guest is on its way already: whether it arrives does not depend on it.
    const isGone = this.#haltedAtMs === undefined && !sends();
    if (isGone) this.fail("MIGRATION_FAILED", "the guest ended");
    else if (nowMs() - this.#headwayAtMs >= order.limits.noProgressMs) {
      const forMs = order.limits.noProgressMs;
      this.fail("NO_PROGRESS", `nothing arrived for ${forMs} ms: look at the link to the target`);
    } else if (this.#haltedAtMs === undefined) this.#send();
  }

  #send(): void {
    const { bandwidthBytesPerSecond, wireShare, load, order } = this.#options;
    const tickBytes = (bandwidthBytesPerSecond * tickMs) / 1000;
    const aheadMax = Math.max(1, ticksAheadMax * tickBytes * wireShare);
    if (this.#sentWireBytes - this.#arrivedWireBytes > aheadMax) return;
    const bytes = Math.min(this.#remainingBytes, tickBytes);
    const wireBytes = Math.max(1, Math.round(bytes * wireShare));
    writeFrame(this.#socket, frameKinds.memory, Buffer.alloc(wireBytes));
    this.#sentWireBytes += wireBytes;
    this.#sentBytes += bytes;
    this.#remainingBytes -= bytes;
    if (this.#remainingBytes <= 0) {
      this.#halt();
      return;
    }
    const dirty = Math.min(load.dirtyBytesPerSecond, dirtyShareMax * bandwidthBytesPerSecond);
    this.#remainingBytes += (dirty * tickMs) / 1000;
    order.progressed({
      moveId: order.moveId,
      transferredBytes: Math.round(this.#sentBytes),
      remainingBytes: Math.round(this.#remainingBytes),
      totalBytes: load.residentBytes,
      dirtyBytesPerSecond: load.dirtyBytesPerSecond,
    });
  }

  #halt(): void {
    this.#haltedAtMs = this.#options.nowMs();
    const memory = JSON.stringify(this.#options.halt());
    writeFrame(this.#socket, frameKinds.state, Buffer.from(memory));
  }
}
