import type { ConnectionGater, MultiaddrConnection } from "@libp2p/interface";
import type { Multiaddr } from "@multiformats/multiaddr";
import { ipEndpointOf, isPrivateIp } from "./addresses.ts";
import type { Counters } from "./counters.ts";

/** Connections reset by a peer until it is taken for a stranger: it tries again, others do not. */
const FAILURES_TO_TELL = 2;
const ADDRESSES_MAX = 1024;
/** What libp2p says when the other end took the connection but could not be understood. */
const NOT_UNDERSTOOD = /EncryptionFailedError/;
/** The same key but another host at that address, or a host too busy to answer in time. */
const OTHER_CAUSE = /identity|unexpected ?peer|abort|timed? ?out/i;
/** Nonsense is proof at once; a reset can also be a peer that was just killed. */
const AMBIGUOUS = /ECONN|EPIPE|closed|reset/i;
/** A busy host resets a connection too, but only after its own time limit. */
const PROMPT_MS = 1_500;

export interface HandshakeWatchOptions {
  readonly counters: Counters;
  readonly nowMs: () => number;
  /** True: this agent has no cluster key, so it deals with private addresses only. */
  readonly isOpen: boolean;
  /** True when another peer may be let in. */
  readonly hasRoom: () => boolean;
}

/**
 * Who may connect, and what to say about those who cannot: a peer with another key gets no further
 * than the private network's handshake, which looks like noise to both ends.
 */
export class HandshakeWatch {
  readonly #options: HandshakeWatchOptions;
  readonly #upgraded = new WeakSet<MultiaddrConnection>();
  readonly #failures = new Map<string, number>();

  constructor(options: HandshakeWatchOptions) {
    this.#options = options;
  }

  gater(): ConnectionGater {
    return {
      denyDialMultiaddr: (address) => !this.admits(ipOf(address) ?? ""),
      denyInboundConnection: (connection) => this.#denyInbound(connection),
      denyInboundUpgradedConnection: (_peer, connection) => {
        this.#upgraded.add(connection);
        this.#failures.delete(ipOf(connection.remoteAddr) ?? "");
        return !this.#options.hasRoom();
      },
    };
  }

  /** True when this agent deals with that IP address at all; names are judged once resolved. */
  admits(ip: string): boolean {
    return !this.#options.isOpen || ip === "" || isPrivateIp(ip);
  }

  /** A handshake with `address` failed after `elapsedMs`, at whichever end it was begun. */
  failed(address: string, error: unknown, elapsedMs: number): void {
    const text = describe(error);
    if (!NOT_UNDERSTOOD.test(text) || OTHER_CAUSE.test(text) || elapsedMs > PROMPT_MS) return;
    const before = this.#failures.get(address) ?? 0;
    if (this.#failures.size >= ADDRESSES_MAX && before === 0) return;
    const count = before + (AMBIGUOUS.test(text) ? 1 : FAILURES_TO_TELL);
    this.#failures.set(address, count);
    if (count < FAILURES_TO_TELL) return;
    const isKeyed = "a cluster key, unlike this host";
    this.tellStranger(address, this.#options.isOpen ? isKeyed : "another cluster key, or none");
  }

  /** Says once for each address why the agent there never becomes a member; `holds` which key. */
  tellStranger(address: string, holds: string): void {
    this.#options.counters.logOnce(
      `stranger ${address}`,
      `the peer at ${address} holds ${holds}, so it and this host stay apart: compare "evenkeel key fingerprint" on both, and install the same key on both if they belong together`,
      { address },
    );
  }

  #denyInbound(connection: MultiaddrConnection): boolean {
    const ip = ipOf(connection.remoteAddr);
    if (!ip || !this.admits(ip)) return true;
    const startedMs = this.#options.nowMs();
    connection.addEventListener("close", ({ error }) => {
      if (this.#upgraded.has(connection)) return;
      this.#options.counters.count("handshake");
      this.failed(ip, error, this.#options.nowMs() - startedMs);
    });
    return false;
  }
}

function describe(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(describe).join("; ");
  return error instanceof Error ? `${error.name} ${error.message}` : String(error);
}

function ipOf(address: Multiaddr): string | undefined {
  return ipEndpointOf(address.toString())?.ip;
}
