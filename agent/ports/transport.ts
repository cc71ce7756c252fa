import type { HostId } from "#lib/model/ids.ts";
import type { DatagramMessage, DeltaMessage, Message } from "#lib/wire/messages.ts";

/** What the transport tells the runtime. `from` is proved; `message` is validated. */
export interface TransportHandler {
  messageReceived(from: HostId, via: "stream" | "datagram" | "news", message: Message): void;
  peerConnected(host: HostId): void;
  peerDisconnected(host: HostId): void;
  addressesChanged(addresses: readonly string[], probePort: number): void;
}

/** A member as the core knows it: whom to dial and where to probe. */
export interface KnownPeer {
  readonly host: HostId;
  readonly addresses: readonly string[];
  readonly probePort: number;
}

/** Counters of the transport since the start, for metrics and the tests of bad input. */
export interface TransportCounters {
  readonly sentBytes: number;
  readonly receivedBytes: number;
  readonly sentMessages: number;
  readonly receivedMessages: number;
  /** Dropped input by reason, for example "oversized", "malformed", "signature", "hmac", "replay". */
  readonly dropped: Readonly<Record<string, number>>;
}

/**
 * Talk between agents: one long-lived stream per connection, the news topic, probes by UDP.
 * Finds peers, dials and redials by itself; keeps about six connections where there are more.
 */
export interface Transport {
  readonly self: HostId;
  start(handler: TransportHandler): Promise<void>;
  /** Closes every connection; later sends are dropped. */
  stop(): Promise<void>;
  /**
   * Queues for the stream to `to`, dialling when there is no connection. Bounded: at most 64
   * messages and 4 s wait, after which the message is dropped and counted. Never throws.
   */
  send(to: HostId, message: Message): void;
  datagram(to: HostId, message: DatagramMessage): void;
  broadcast(message: DeltaMessage): void;
  /** Replaces what is known of members' addresses; unknown hosts are no longer redialled. */
  setPeers(peers: readonly KnownPeer[]): void;
  connectedPeers(): readonly HostId[];
  counters(): TransportCounters;
  /** Ms that other hosts' wall clocks are ahead of this one's; of those that told. */
  clockSkewsMs(): ReadonlyMap<HostId, number>;
}
