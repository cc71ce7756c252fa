import type { HostId } from "../model/ids.ts";
import type { Message } from "../wire/messages.ts";
import type { NetworkHandler, NetworkParts } from "./network-parts.ts";

interface Waiting {
  readonly from: HostId;
  readonly to: HostId;
  readonly message: Message;
  readonly untilMs: number;
}

/** One connection; `stalled` holds what was sent into a cut, in order. */
interface Stream {
  readonly a: HostId;
  readonly b: HostId;
  open: boolean;
  readonly arrivesMs: Map<HostId, number>;
  readonly stalled: Waiting[];
  /** Since when it has been cut; undefined while it is whole. */
  cutAtMs: number | undefined;
}

/** A TCP, noise and yamux handshake takes this many one-way delays. */
const handshakeDelays = 8;
/** Messages that wait for a stream to one receiver; more are dropped, as in the real transport. */
const waitingMax = 64;

/**
 * Streams between agents: a full mesh that redials by itself, and dials at once for a message.
 * A cut stalls a stream, whose messages arrive late when it heals in time; after a while without
 * an answer both ends close it and what was under way is lost.
 */
export class SimStreams {
  readonly #parts: NetworkParts;
  readonly #handlers: ReadonlyMap<HostId, NetworkHandler>;
  readonly #streams = new Map<string, Stream>();
  readonly #hung = new Set<HostId>();
  readonly #dialling = new Set<string>();
  #waiting: Waiting[] = [];

  constructor(parts: NetworkParts, handlers: ReadonlyMap<HostId, NetworkHandler>) {
    this.#parts = parts;
    this.#handlers = handlers;
    parts.links.onChange(() => this.#linksChanged());
  }

  join(host: HostId): void {
    this.#redial(host);
  }

  leave(host: HostId): void {
    this.#hung.delete(host);
    this.#waiting = this.#waiting.filter((waiting) => waiting.from !== host);
    for (const stream of [...this.#streams.values()]) {
      if (stream.a !== host && stream.b !== host) continue;
      const peer = stream.a === host ? stream.b : stream.a;
      this.#close(stream);
      const handler = this.#handlers.get(peer);
      const { links, options } = this.#parts;
      const noticedMs = links.passes(host, peer) ? this.#delayMs() : options.streamBreakMs;
      this.#parts.clock.after(noticedMs, () => {
        if (handler === this.#handlers.get(peer)) handler?.disconnected(host);
      });
    }
  }

  setResponsive(host: HostId, responsive: boolean): void {
    if (responsive) this.#hung.delete(host);
    else this.#hung.add(host);
  }

  send(from: HostId, to: HostId, message: Message): void {
    const stream = this.#streams.get(keyOf(from, to));
    const waiting = { from, to, message, untilMs: this.#parts.clock.nowMs };
    if (stream) {
      this.#carry(stream, waiting);
      return;
    }
    const queued = this.#waiting.filter((other) => other.from === from && other.to === to).length;
    if (queued >= waitingMax) return;
    this.#waiting.push({ ...waiting, untilMs: waiting.untilMs + this.#parts.options.sendWaitMs });
    this.#dial(from, to);
  }

  #carry(stream: Stream, item: Waiting): void {
    const { clock } = this.#parts;
    const earliest = stream.arrivesMs.get(item.to) ?? 0;
    const atMs = Math.max(earliest, clock.nowMs + this.#delayMs());
    stream.arrivesMs.set(item.to, atMs);
    clock.after(atMs - clock.nowMs, () => {
      if (!stream.open) return;
      const held = stream.stalled.some((other) => other.to === item.to);
      if (held || !this.#parts.links.passes(item.from, item.to)) stream.stalled.push(item);
      else this.#handlers.get(item.to)?.received(item.from, "stream", item.message);
    });
  }

  /** Tries every pair of `host` now and again and again, for as long as its process lives. */
  #redial(host: HostId): void {
    const handler = this.#handlers.get(host);
    const { clock, prng, options } = this.#parts;
    for (const peer of this.#handlers.keys()) if (peer !== host) this.#dial(host, peer);
    clock.after(options.redialMs * (0.75 + 0.5 * prng.nextShare()), () => {
      if (handler === this.#handlers.get(host)) this.#redial(host);
    });
  }

  #dial(from: HostId, to: HostId): void {
    const key = keyOf(from, to);
    if (this.#streams.has(key) || this.#dialling.has(key) || !this.#reachable(from, to)) return;
    this.#dialling.add(key);
    this.#parts.clock.after(handshakeDelays * this.#delayMs(), () => {
      this.#dialling.delete(key);
      if (this.#reachable(from, to) && !this.#streams.has(key)) this.#open(from, to);
    });
  }

  #reachable(from: HostId, to: HostId): boolean {
    const alive = [from, to].every((host) => this.#handlers.has(host) && !this.#hung.has(host));
    return alive && this.#parts.links.connects(from, to);
  }

  #open(a: HostId, b: HostId): void {
    const stream: Stream = {
      a,
      b,
      open: true,
      arrivesMs: new Map(),
      stalled: [],
      cutAtMs: undefined,
    };
    this.#streams.set(keyOf(a, b), stream);
    this.#handlers.get(a)?.connected(b);
    this.#handlers.get(b)?.connected(a);
    const { nowMs } = this.#parts.clock;
    const ours = (item: Waiting) => keyOf(item.from, item.to) === keyOf(a, b);
    const waiting = this.#waiting.filter(ours);
    this.#waiting = this.#waiting.filter((item) => !ours(item) && item.untilMs >= nowMs);
    for (const item of waiting) if (item.untilMs >= nowMs) this.#carry(stream, item);
  }

  #linksChanged(): void {
    for (const stream of [...this.#streams.values()]) {
      if (this.#parts.links.connects(stream.a, stream.b)) this.#thaw(stream);
      else if (stream.cutAtMs === undefined) this.#breakLater(stream);
    }
  }

  #thaw(stream: Stream): void {
    stream.cutAtMs = undefined;
    for (const item of stream.stalled.splice(0)) this.#carry(stream, item);
  }

  #breakLater(stream: Stream): void {
    const { clock, prng, options } = this.#parts;
    const cutAtMs = clock.nowMs;
    stream.cutAtMs = cutAtMs;
    const jitter = 1 + 0.2 * prng.nextShare();
    clock.after(options.streamBreakMs * jitter, () => {
      if (!stream.open || stream.cutAtMs !== cutAtMs) return;
      this.#close(stream);
      this.#handlers.get(stream.a)?.disconnected(stream.b);
      this.#handlers.get(stream.b)?.disconnected(stream.a);
    });
  }

  #close(stream: Stream): void {
    stream.open = false;
    stream.stalled.length = 0;
    this.#streams.delete(keyOf(stream.a, stream.b));
  }

  #delayMs(): number {
    const { prng, options } = this.#parts;
    return options.delayMsMin + prng.nextShare() * (options.delayMsMax - options.delayMsMin);
  }
}

function keyOf(a: HostId, b: HostId): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`;
}
