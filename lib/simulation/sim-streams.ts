import type { HostId } from "../model/ids.ts";
import type { Message } from "../wire/messages.ts";
import { Neighbours } from "./network-neighbours.ts";
import type { NetworkHandler, NetworkParts } from "./network-parts.ts";

interface Waiting {
  readonly from: HostId;
  readonly to: HostId;
  readonly message: Message;
  readonly untilMs: number;
}

/** One connection; `stalled` holds what was sent into a cut, in order. */
interface Stream {
  /** Who dialled. */
  readonly a: HostId;
  readonly b: HostId;
  open: boolean;
  /** When the latest message to each end arrives: later ones do not overtake it. */
  arrivesAtAMs: number;
  arrivesAtBMs: number;
  readonly stalled: Waiting[];
  /** Since when it has been cut; undefined while it is whole. */
  cutAtMs: number | undefined;
  /** When it last carried something that was meant for that host alone. */
  demandedMs: number;
}

/** A TCP, noise and yamux handshake takes this many one-way delays. */
const handshakeDelays = 8;
/** Messages that wait for a stream to one receiver; more are dropped, as in the real transport. */
const waitingMax = 64;
/** A stream that is no neighbour's is closed so long after the last demand, as the real one's. */
const unwantedMs = 120_000;
/** How often a host looks for streams to close, ms. */
const sweepMs = 10_000;

/**
 * Streams between agents, which redial by themselves and at once for a message: a full mesh of a
 * few hosts, and above that each with a few neighbours, as the real transport chooses them.
 * A cut stalls a stream, whose messages arrive late when it heals in time; after a while without
 * an answer both ends close it and what was under way is lost.
 */
export class SimStreams {
  readonly #parts: NetworkParts;
  readonly #handlers: ReadonlyMap<HostId, NetworkHandler>;
  /** By either end, then by the other. */
  readonly #streams = new Map<HostId, Map<HostId, Stream>>();
  readonly #hung = new Set<HostId>();
  readonly #dialling = new Set<string>();
  readonly #waiting = new Map<string, Waiting[]>();
  readonly #neighbours: Neighbours;

  constructor(parts: NetworkParts, handlers: ReadonlyMap<HostId, NetworkHandler>) {
    this.#parts = parts;
    this.#handlers = handlers;
    this.#neighbours = new Neighbours({
      prng: parts.prng,
      hostCount: parts.hostCount ?? 0,
      reachable: (from, to) => this.#reachable(from, to),
    });
    parts.links.onChange(() => this.#linksChanged());
  }

  join(host: HostId): void {
    this.#neighbours.join(host);
    if (this.#neighbours.isMesh) {
      this.#redial(host);
      return;
    }
    // Whoever starts in the same moment is to be found as well.
    const { clock, prng, options } = this.#parts;
    const handler = this.#handlers.get(host);
    clock.call(0.25 * options.redialMs * prng.nextShare(), () => {
      if (handler === this.#handlers.get(host)) this.#redial(host);
    });
  }

  leave(host: HostId): void {
    this.#hung.delete(host);
    this.#neighbours.leave(host);
    for (const [key, [first]] of this.#waiting) {
      if (first?.from === host) this.#waiting.delete(key);
    }
    for (const stream of [...this.#streamsOf(host).values()]) {
      const peer = stream.a === host ? stream.b : stream.a;
      this.#close(stream);
      const handler = this.#handlers.get(peer);
      const { links, options } = this.#parts;
      const noticedMs = links.passes(host, peer) ? this.#delayMs() : options.streamBreakMs;
      this.#parts.clock.call(noticedMs, () => {
        if (handler === this.#handlers.get(peer)) handler?.disconnected(host);
      });
    }
  }

  setResponsive(host: HostId, responsive: boolean): void {
    if (responsive) this.#hung.delete(host);
    else this.#hung.add(host);
  }

  send(from: HostId, to: HostId, message: Message): void {
    const stream = this.#streams.get(from)?.get(to);
    const { nowMs } = this.#parts.clock;
    if (stream) {
      if (message.type !== "digest" && message.type !== "delta") stream.demandedMs = nowMs;
      this.#carry(stream, { from, to, message, untilMs: nowMs });
      return;
    }
    const key = `${from} ${to}`;
    const queue = this.#waiting.get(key) ?? [];
    while ((queue[0]?.untilMs ?? nowMs) < nowMs) queue.shift();
    this.#waiting.set(key, queue);
    if (queue.length >= waitingMax) return;
    queue.push({ from, to, message, untilMs: nowMs + this.#parts.options.sendWaitMs });
    this.#dial(from, to);
  }

  #carry(stream: Stream, item: Waiting): void {
    const { clock } = this.#parts;
    const isToA = item.to === stream.a;
    const earliest = isToA ? stream.arrivesAtAMs : stream.arrivesAtBMs;
    const atMs = Math.max(earliest, clock.nowMs + this.#delayMs());
    if (isToA) stream.arrivesAtAMs = atMs;
    else stream.arrivesAtBMs = atMs;
    clock.call(atMs - clock.nowMs, () => this.#arrive(stream, item));
  }

  #arrive(stream: Stream, item: Waiting): void {
    if (!stream.open) return;
    const held = stream.stalled.length > 0 && stream.stalled.some(({ to }) => to === item.to);
    if (held || !this.#parts.links.passes(item.from, item.to)) stream.stalled.push(item);
    else this.#handlers.get(item.to)?.received(item.from, "stream", item.message);
  }

  /** Dials whom `host` wants and lacks, again and again, for as long as its process lives. */
  #redial(host: HostId, sweepAtMs = 0): void {
    const handler = this.#handlers.get(host);
    const { clock, prng, options } = this.#parts;
    const streams = this.#streamsOf(host);
    const { isMesh } = this.#neighbours;
    const wanted = isMesh ? this.#handlers.keys() : this.#neighbours.wanted(host, clock.nowMs);
    for (const peer of wanted) {
      if (peer !== host && !streams.has(peer)) this.#dial(host, peer);
    }
    const sweeps = clock.nowMs >= sweepAtMs;
    if (sweeps) this.#sweep(host);
    const nextSweepMs = sweeps ? clock.nowMs + sweepMs : sweepAtMs;
    clock.call(options.redialMs * (0.75 + 0.5 * prng.nextShare()), () => {
      if (handler === this.#handlers.get(host)) this.#redial(host, nextSweepMs);
    });
  }

  /** Closes what `host` dialled for a message long ago. Who dialled closes, as in the real one. */
  #sweep(host: HostId): void {
    if (this.#neighbours.isMesh) return;
    const { nowMs } = this.#parts.clock;
    for (const stream of [...this.#streamsOf(host).values()]) {
      if (stream.a !== host || nowMs - stream.demandedMs < unwantedMs) continue;
      if (this.#neighbours.wanted(host, nowMs).includes(stream.b)) continue;
      this.#close(stream);
      this.#handlers.get(stream.a)?.disconnected(stream.b);
      this.#handlers.get(stream.b)?.disconnected(stream.a);
    }
  }

  #dial(from: HostId, to: HostId): void {
    if (!this.#reachable(from, to)) return;
    const key = from < to ? `${from} ${to}` : `${to} ${from}`;
    if (this.#dialling.has(key)) return;
    this.#dialling.add(key);
    this.#parts.clock.call(handshakeDelays * this.#delayMs(), () => {
      this.#dialling.delete(key);
      if (this.#reachable(from, to) && !this.#streamsOf(from).has(to)) this.#open(from, to);
    });
  }

  #reachable(from: HostId, to: HostId): boolean {
    return (
      this.#handlers.has(from) &&
      this.#handlers.has(to) &&
      !this.#hung.has(from) &&
      !this.#hung.has(to) &&
      this.#parts.links.connects(from, to)
    );
  }

  #open(a: HostId, b: HostId): void {
    const { nowMs } = this.#parts.clock;
    const stream: Stream = {
      a,
      b,
      open: true,
      arrivesAtAMs: 0,
      arrivesAtBMs: 0,
      stalled: [],
      cutAtMs: undefined,
      demandedMs: nowMs,
    };
    this.#streamsOf(a).set(b, stream);
    this.#streamsOf(b).set(a, stream);
    this.#handlers.get(a)?.connected(b);
    this.#handlers.get(b)?.connected(a);
    for (const key of [`${a} ${b}`, `${b} ${a}`]) {
      const waiting = this.#waiting.get(key) ?? [];
      this.#waiting.delete(key);
      for (const item of waiting) if (item.untilMs >= nowMs) this.#carry(stream, item);
    }
  }

  #linksChanged(): void {
    for (const [host, streams] of this.#streams) {
      for (const stream of [...streams.values()]) {
        if (stream.a !== host) continue;
        if (this.#parts.links.connects(stream.a, stream.b)) this.#thaw(stream);
        else if (stream.cutAtMs === undefined) this.#breakLater(stream);
      }
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
    clock.call(options.streamBreakMs * jitter, () => {
      if (!stream.open || stream.cutAtMs !== cutAtMs) return;
      this.#close(stream);
      this.#handlers.get(stream.a)?.disconnected(stream.b);
      this.#handlers.get(stream.b)?.disconnected(stream.a);
    });
  }

  #close(stream: Stream): void {
    stream.open = false;
    stream.stalled.length = 0;
    this.#streams.get(stream.a)?.delete(stream.b);
    this.#streams.get(stream.b)?.delete(stream.a);
  }

  #streamsOf(host: HostId): Map<HostId, Stream> {
    const known = this.#streams.get(host);
    if (known) return known;
    const streams = new Map<HostId, Stream>();
    this.#streams.set(host, streams);
    return streams;
  }

  #delayMs(): number {
    const { prng, options } = this.#parts;
    return options.delayMsMin + prng.nextShare() * (options.delayMsMax - options.delayMsMin);
  }
}
