import type { HostId } from "#lib/model/ids.ts";
import { Outbox } from "./outbox.ts";

/**
 * Nothing received for this long: the link is taken for dead, since TCP itself would try for
 * minutes. Under 3 s healthy links of a loaded host would be torn down.
 */
export const SILENCE_MS_MAX = 12_000;

/** How long a second stream to the same peer is still read after the choice fell on the other. */
const RETIRE_MS = 2_000;
/** A stream that has been silent for this long gives way to any new one. */
export const YIELD_SILENCE_MS = 6_000;
/** Peers with waiting messages at one time. */
const OUTBOXES_MAX = 1024;

/** What a stream to a peer is to those who use it. */
export interface Link {
  readonly host: HostId;
  /** True when this side dialled the connection. */
  readonly isDialled: boolean;
  readonly hasRoom: boolean;
  silentForMs(nowMs: number): number;
  /** Writes one frame. True when there is room for another. */
  send(payload: Uint8Array): boolean;
  /** To be called about once a second: says that we are here when nothing else did. */
  keepAlive(nowMs: number): void;
  /** Gives a silent peer a fresh chance: we ourselves were late. */
  forgiveSilence(nowMs: number): void;
  /** Ends stream and connection at once. */
  abort(reason: string): void;
}

export interface LinksOptions {
  readonly self: HostId;
  readonly nowMs: () => number;
  readonly connected: (host: HostId) => void;
  readonly disconnected: (host: HostId) => void;
  /** Messages that waited too long or found no room. */
  readonly lost: (host: HostId, count: number) => void;
}

/**
 * The streams to all peers, one a peer, and what waits for them.
 *
 * When two hosts dial each other at once there are two streams. Both ends then keep the one that
 * the smaller id dialled; the other is read for a moment longer, so that nothing in it is lost.
 */
export class Links<L extends Link> {
  readonly #options: LinksOptions;
  readonly #current = new Map<HostId, L>();
  readonly #retired = new Map<L, number>();
  readonly #outboxes = new Map<HostId, Outbox>();

  constructor(options: LinksOptions) {
    this.#options = options;
  }

  /** Hosts with a stream, sorted. */
  hosts(): readonly HostId[] {
    return [...this.#current.keys()].sort();
  }

  get(host: HostId): L | undefined {
    return this.#current.get(host);
  }

  add(stream: L): void {
    const existing = this.#current.get(stream.host);
    const keepsExisting = existing !== undefined && this.#prefers(existing, stream);
    const untilMs = this.#options.nowMs() + RETIRE_MS;
    if (keepsExisting) {
      this.#retired.set(stream, untilMs);
      return;
    }
    if (existing) this.#retired.set(existing, untilMs);
    this.#current.set(stream.host, stream);
    if (!existing) this.#options.connected(stream.host);
    this.flush(stream.host);
  }

  remove(stream: L): void {
    this.#retired.delete(stream);
    if (this.#current.get(stream.host) !== stream) return;
    this.#current.delete(stream.host);
    const successor = [...this.#retired.keys()].find((other) => other.host === stream.host);
    if (!successor) {
      this.#options.disconnected(stream.host);
      return;
    }
    this.#retired.delete(successor);
    this.#current.set(successor.host, successor);
    this.flush(successor.host);
  }

  /** Sends now or keeps for later. False when there is no stream yet: somebody has to dial. */
  send(host: HostId, payload: Uint8Array): boolean {
    const stream = this.#current.get(host);
    const outbox = this.#outboxes.get(host);
    if (stream?.hasRoom && (!outbox || outbox.isEmpty)) stream.send(payload);
    else if (!this.#outboxFor(host)?.add(payload, this.#options.nowMs())) {
      this.#options.lost(host, 1);
    }
    return stream !== undefined;
  }

  flush(host: HostId): void {
    const stream = this.#current.get(host);
    if (!stream?.hasRoom) return;
    this.#outboxes.get(host)?.flush((payload) => stream.send(payload));
  }

  /** True while messages wait for this host. */
  isAwaited(host: HostId): boolean {
    return this.#outboxes.get(host)?.isEmpty === false;
  }

  awaitedHosts(): readonly HostId[] {
    return [...this.#outboxes.keys()].filter((host) => this.isAwaited(host));
  }

  /** To be called about once a second. `wasLate`: this process itself did not run for a while. */
  tick(nowMs: number, wasLate: boolean): void {
    for (const stream of [...this.#current.values()]) {
      if (wasLate) stream.forgiveSilence(nowMs);
      if (stream.silentForMs(nowMs) > SILENCE_MS_MAX) stream.abort("silent for too long");
      else stream.keepAlive(nowMs);
    }
    for (const [stream, untilMs] of [...this.#retired]) {
      if (untilMs <= nowMs) stream.abort("replaced by another stream");
    }
    for (const [host, outbox] of [...this.#outboxes]) {
      const lost = outbox.expire(nowMs);
      if (lost > 0) this.#options.lost(host, lost);
      if (outbox.isEmpty) this.#outboxes.delete(host);
    }
  }

  close(): void {
    for (const stream of [...this.#retired.keys(), ...this.#current.values()]) {
      stream.abort("the agent stops");
    }
    this.#outboxes.clear();
  }

  #prefers(existing: L, candidate: L): boolean {
    if (existing.silentForMs(this.#options.nowMs()) > YIELD_SILENCE_MS) return false;
    // The same side dialled again: it has lost the first one, whatever it looks like from here.
    if (existing.isDialled === candidate.isDialled) return false;
    const smallerIsSelf = this.#options.self < existing.host;
    return existing.isDialled === smallerIsSelf;
  }

  #outboxFor(host: HostId): Outbox | undefined {
    const existing = this.#outboxes.get(host);
    if (existing || this.#outboxes.size >= OUTBOXES_MAX) return existing;
    const outbox = new Outbox();
    this.#outboxes.set(host, outbox);
    return outbox;
  }
}
