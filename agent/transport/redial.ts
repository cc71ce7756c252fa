import type { HostId } from "#lib/model/ids.ts";
import type { KnownPeer } from "../ports/transport.ts";
import { redialDelayMs } from "./backoff.ts";
import { rankedNeighbours, turnedRanking, wantedNeighbours } from "./neighbours.ts";

/** Dials under way at one time. */
const DIALS_MAX = 8;
/** Failures after which a host counts as unreachable and another neighbour is taken as well. */
const UNREACHABLE_FAILURES = 2;
/** Hosts found by mDNS that are not members yet, and for how long they are dialled. */
const FOUND_MAX = 64;
const FOUND_KEPT_MS = 30_000;
/** A connection made for one message is kept this long after the last one. */
const DEMAND_KEPT_MS = 60_000;
/** When two hosts hear of each other at once, the one with the larger id lets the other dial. */
const YIELD_MS = 300;

/** One dial: resolves to who answered, rejects with the reason. */
type Dial = (target: DialTarget) => Promise<HostId>;

/** Whom to dial: a host at its addresses, or whoever answers at a configured address. */
export interface DialTarget {
  readonly host: HostId | null;
  readonly addresses: readonly string[];
}

export interface RedialOptions {
  readonly self: HostId;
  readonly dial: Dial;
  readonly isConnected: (host: HostId) => boolean;
  readonly nowMs: () => number;
  /** Random, 0 to 1. */
  readonly share: () => number;
  /** Configured multiaddrs. */
  readonly configured: readonly string[];
  /** Members that a host in the open deals with. */
  readonly peersMax: number;
}

interface Attempt {
  failures: number;
  nextMs: number;
  isDialling: boolean;
}

/**
 * Whom to be connected to, and when to try again: libp2p itself never reconnects.
 * Dials the chosen neighbours, the configured addresses, those found by mDNS, and for a while
 * whoever is sent to; with back-off, for ever, so that a partition ends by itself.
 */
export class Redial {
  readonly #options: RedialOptions;
  readonly #attempts = new Map<string, Attempt>();
  readonly #found = new Map<HostId, { addresses: readonly string[]; untilMs: number }>();
  readonly #demands = new Map<HostId, number>();
  /** Who answered last at a configured address; own addresses lead to `self`. */
  readonly #answered = new Map<string, HostId>();
  #peers = new Map<HostId, KnownPeer>();
  #ranked: readonly HostId[] = [];
  #wanted: ReadonlySet<HostId> = new Set();

  constructor(options: RedialOptions) {
    this.#options = options;
  }

  setPeers(peers: readonly KnownPeer[]): void {
    const others = peers.filter((peer) => peer.host !== this.#options.self);
    const before = this.#peers;
    this.#peers = new Map(others.slice(0, this.#options.peersMax).map((peer) => [peer.host, peer]));
    for (const peer of this.#peers.values()) this.#noticeAddresses(peer, before.get(peer.host));
    this.#rank();
  }

  /** mDNS found a host. It is dialled until it is a member or was not heard of for a while. */
  found(host: HostId, addresses: readonly string[]): void {
    const nowMs = this.#options.nowMs();
    if (host === this.#options.self || this.#peers.size >= this.#options.peersMax) return;
    const isNew = !this.#found.has(host) && !this.#peers.has(host);
    if (isNew && this.#found.size >= FOUND_MAX) return;
    this.#found.set(host, { addresses, untilMs: nowMs + FOUND_KEPT_MS });
    if (!isNew) return;
    this.#giveWay(host);
    this.#rank();
  }

  /** A message for this host waits or was sent: be connected to it for a while. */
  demanded(host: HostId): void {
    const nowMs = this.#options.nowMs();
    if (this.#addressesOf(host).length === 0) return;
    this.#demands.set(host, nowMs + DEMAND_KEPT_MS);
    // Something waits to be said, so there is no time to let the other side dial first.
    const attempt = this.#attempts.get(host);
    if (attempt?.failures === 0 && !this.#options.isConnected(host)) attempt.nextMs = 0;
  }

  /** A packet of this host arrived, so it can be reached: no more waiting. */
  heard(host: HostId): void {
    const attempt = this.#attempts.get(host);
    if (attempt && attempt.failures > 0) attempt.nextMs = 0;
  }

  disconnected(host: HostId): void {
    this.#attemptOf(host).nextMs = this.#options.nowMs() + redialDelayMs(1, this.#options.share());
  }

  /** True when this side has a reason to keep a connection to `host` open. */
  isWanted(host: HostId): boolean {
    return this.#wanted.has(host) || this.#demands.has(host) || !this.#peers.has(host);
  }

  /** True when every wanted host is connected or known to be away. */
  isSettled(): boolean {
    const isAway = (host: HostId): boolean => (this.#attempts.get(host)?.failures ?? 0) > 4;
    return [...this.#wanted, ...this.#demands.keys()].every(
      (host) => this.#options.isConnected(host) || isAway(host),
    );
  }

  /** Dials whatever is due. To be called a few times a second, and when something has changed. */
  tick(): void {
    const nowMs = this.#options.nowMs();
    this.#forget(nowMs);
    const ranked = turnedRanking(this.#ranked, nowMs);
    this.#wanted = new Set(wantedNeighbours(ranked, (host) => this.#isUnreachable(host)));
    for (const host of [...this.#wanted, ...this.#demands.keys()]) {
      if (this.#options.isConnected(host)) continue;
      this.#dial(host, { host, addresses: this.#addressesOf(host) }, nowMs);
    }
    for (const address of this.#options.configured) {
      const host = this.#answered.get(address);
      const isSettled =
        host !== undefined &&
        (host === this.#options.self || this.#options.isConnected(host) || this.#peers.has(host));
      if (!isSettled) this.#dial(address, { host: null, addresses: [address] }, nowMs);
    }
  }

  #dial(key: string, target: DialTarget, nowMs: number): void {
    const attempt = this.#attemptOf(key);
    if (attempt.isDialling || attempt.nextMs > nowMs || target.addresses.length === 0) return;
    if ([...this.#attempts.values()].filter((other) => other.isDialling).length >= DIALS_MAX)
      return;
    attempt.isDialling = true;
    this.#options.dial(target).then(
      (host) => this.#succeeded(key, host),
      () => this.#failed(attempt),
    );
  }

  #succeeded(key: string, host: HostId): void {
    const nowMs = this.#options.nowMs();
    const attempt = this.#attemptOf(key);
    const wasUnreachable = attempt.failures >= UNREACHABLE_FAILURES;
    attempt.isDialling = false;
    attempt.failures = 0;
    // Whoever cut the connection meanwhile gets no second dial at once.
    attempt.nextMs = nowMs + redialDelayMs(1, this.#options.share());
    if (this.#options.configured.includes(key)) this.#answered.set(key, host);
    // Where one way has opened the others probably have too: the cut is over.
    if (wasUnreachable) for (const other of this.#attempts.values()) other.nextMs = nowMs;
  }

  #failed(attempt: Attempt): void {
    attempt.isDialling = false;
    attempt.failures += 1;
    const waitMs = redialDelayMs(attempt.failures, this.#options.share());
    attempt.nextMs = this.#options.nowMs() + waitMs;
  }

  #isUnreachable(host: HostId): boolean {
    if (this.#options.isConnected(host)) return false;
    return (this.#attempts.get(host)?.failures ?? 0) >= UNREACHABLE_FAILURES;
  }

  #addressesOf(host: HostId): readonly string[] {
    const known = this.#peers.get(host)?.addresses ?? [];
    const found = this.#found.get(host)?.addresses ?? [];
    return [...new Set([...found, ...known])];
  }

  #giveWay(host: HostId): void {
    if (this.#attempts.has(host) || host > this.#options.self) return;
    this.#attemptOf(host).nextMs = this.#options.nowMs() + YIELD_MS;
  }

  #noticeAddresses(peer: KnownPeer, before: KnownPeer | undefined): void {
    if (!before) {
      this.#giveWay(peer.host);
      return;
    }
    const attempt = this.#attempts.get(peer.host);
    if (!attempt || peer.addresses.join() === before.addresses.join()) return;
    attempt.nextMs = 0;
  }

  #rank(): void {
    const hosts = new Set([...this.#peers.keys(), ...this.#found.keys()]);
    this.#ranked = rankedNeighbours(this.#options.self, [...hosts]);
  }

  #forget(nowMs: number): void {
    const before = this.#found.size;
    for (const [host, found] of this.#found) {
      if (found.untilMs <= nowMs) this.#found.delete(host);
    }
    if (this.#found.size !== before) this.#rank();
    for (const [host, untilMs] of this.#demands) {
      if (untilMs <= nowMs) this.#demands.delete(host);
    }
    for (const [key, attempt] of this.#attempts) {
      if (!attempt.isDialling && !this.#isOfInterest(key)) this.#attempts.delete(key);
    }
  }

  #isOfInterest(key: string): boolean {
    return this.#peers.has(key) || this.#found.has(key) || this.#options.configured.includes(key);
  }

  #attemptOf(key: string): Attempt {
    const existing = this.#attempts.get(key);
    if (existing) return existing;
    const attempt = { failures: 0, nextMs: 0, isDialling: false };
    this.#attempts.set(key, attempt);
    return attempt;
  }
}
