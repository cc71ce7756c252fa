import type { Connection, Stream } from "@libp2p/interface";
import type { HostId } from "#lib/model/ids.ts";
import { FrameReader, frameOf, keepAliveFrame } from "./frames.ts";
import type { Link } from "./links.ts";
import { thinOutWindowUpdates } from "./window-updates.ts";

/** Nothing sent for this long: say that we are here. */
const KEEP_ALIVE_MS = 5_000;
/** Bad frames after which a peer is disconnected. */
const BAD_FRAMES_MAX = 16;

export interface PeerStreamOptions {
  readonly host: HostId;
  readonly connection: Connection;
  readonly stream: Stream;
  readonly frameBytesMax: number;
  readonly nowMs: () => number;
  /** A whole frame; false when it was bad. */
  readonly frameReceived: (frame: Uint8Array) => boolean;
  /** A length over the limit, or more bad frames than are borne: the stream was cut for it. */
  readonly offended: (reason: "oversized" | "flood") => void;
  /** There is room again. */
  readonly drained: () => void;
  readonly closed: () => void;
}

/** The one long-lived stream of a connection: frames out and in, and a sign of life. */
export class PeerStream implements Link {
  readonly host: HostId;
  readonly connection: Connection;
  readonly #options: PeerStreamOptions;
  readonly #reader: FrameReader;
  #sentAtMs: number;
  #receivedAtMs: number;
  #badFrames = 0;
  #isClosed = false;

  constructor(options: PeerStreamOptions) {
    const nowMs = options.nowMs();
    this.host = options.host;
    this.connection = options.connection;
    this.#options = options;
    this.#reader = new FrameReader(options.frameBytesMax);
    this.#sentAtMs = nowMs;
    this.#receivedAtMs = nowMs;
  }

  /** Takes over the stream's events; the first frames may come within this call. */
  open(): void {
    const { stream } = this.#options;
    // The keep-alive frames decide when a stream is dead, not libp2p's own timer.
    stream.inactivityTimeout = Number.MAX_SAFE_INTEGER;
    thinOutWindowUpdates(stream);
    stream.addEventListener("close", () => this.#close());
    // A peer that closed its half is gone as far as we are concerned: the stream talks both ways.
    stream.addEventListener("remoteCloseWrite", () => this.abort("closed by the peer"));
    stream.addEventListener("drain", () => this.#options.drained());
    stream.addEventListener("message", (event) => this.#receive(event.data.subarray()));
  }

  /** True when this side dialled the connection. */
  get isDialled(): boolean {
    return this.connection.direction === "outbound";
  }

  get hasRoom(): boolean {
    return !this.#isClosed && !this.#options.stream.writableNeedsDrain;
  }

  silentForMs(nowMs: number): number {
    return nowMs - this.#receivedAtMs;
  }

  /** Writes one frame. True when there is room for another. */
  send(payload: Uint8Array): boolean {
    return this.#write(frameOf(payload));
  }

  /** To be called about once a second: says that we are here when nothing else did. */
  keepAlive(nowMs: number): void {
    if (this.hasRoom && nowMs - this.#sentAtMs >= KEEP_ALIVE_MS) this.#write(keepAliveFrame);
  }

  /** Gives a silent peer a fresh chance: we ourselves were late. */
  forgiveSilence(nowMs: number): void {
    this.#receivedAtMs = nowMs;
  }

  /** One more bad frame, here or in what this peer passed on as news; too many end the stream. */
  countBadFrame(): void {
    this.#badFrames += 1;
    if (this.#badFrames > BAD_FRAMES_MAX) this.#offend("flood");
  }

  /** Ends stream and connection at once. */
  abort(reason: string): void {
    if (this.#isClosed) return;
    const error = new Error(reason);
    this.#options.stream.abort(error);
    this.connection.abort(error);
    this.#close();
  }

  #write(frame: Uint8Array): boolean {
    if (this.#isClosed) return false;
    this.#sentAtMs = this.#options.nowMs();
    try {
      return this.#options.stream.send(frame);
    } catch {
      // The stream closed under us; its close event tells the rest.
      return false;
    }
  }

  #receive(chunk: Uint8Array): void {
    if (this.#isClosed) return;
    this.#receivedAtMs = this.#options.nowMs();
    const frames = this.#reader.push(chunk);
    if (frames === "oversized") {
      this.#offend("oversized");
      return;
    }
    for (const frame of frames) {
      if (this.#isClosed) return;
      if (frame.length > 0 && !this.#options.frameReceived(frame)) this.countBadFrame();
    }
  }

  #offend(reason: "oversized" | "flood"): void {
    if (this.#isClosed) return;
    this.#options.offended(reason);
    this.abort(reason);
  }

  #close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#options.closed();
  }
}
