import { createHash, randomBytes } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { SystemClock } from "#agent/os/system-clock.ts";
import { Libp2pTransport } from "#agent/transport/libp2p-transport.ts";
import type { Message } from "#lib/wire/messages.ts";
import { MemoryLog } from "./memory-log.ts";

export interface TransportPeerOptions {
  /** Makes the host's identity: the same number is the same host. */
  readonly number: number;
  /** Any text stands for a cluster key; null for the open. */
  readonly clusterKey: string | null;
  readonly address?: string;
  readonly port?: number;
  readonly peers?: readonly string[];
  readonly mdns?: boolean;
}

/** A real transport with a memory of all that it told. */
export class TransportPeer {
  readonly transport: Libp2pTransport;
  readonly log = new MemoryLog();
  readonly received: { from: string; via: string; message: Message }[] = [];
  readonly events: string[] = [];
  addresses: readonly string[] = [];
  probePort = 0;

  constructor(options: TransportPeerOptions) {
    const { number, clusterKey, address = "127.0.0.1", port = 0 } = options;
    this.transport = new Libp2pTransport({
      identity: { privateKey: new Uint8Array(32).fill(number) },
      secrets: {
        pnetKey: clusterKey === null ? null : derived(`pnet ${clusterKey}`),
        probeKey: derived(`probe ${clusterKey}`),
        serviceTag: `_ek-${derived(`mdns ${clusterKey}`).toString("hex").slice(0, 10)}._udp.local`,
      },
      listen: { address, port, probePort: 0 },
      mdns: options.mdns ?? false,
      peers: options.peers ?? [],
      log: this.log,
      clock: new SystemClock(),
      random: (byteCount) => randomBytes(byteCount),
    });
  }

  get host(): string {
    return this.transport.self;
  }

  get port(): number {
    return Number(this.addresses[0]?.split("/")[4]);
  }

  async start(): Promise<this> {
    await this.transport.start({
      messageReceived: (from, via, message) => this.received.push({ from, via, message }),
      peerConnected: (host) => this.events.push(`connected ${host}`),
      peerDisconnected: (host) => this.events.push(`disconnected ${host}`),
      addressesChanged: (addresses, probePort) => {
        this.addresses = addresses;
        this.probePort = probePort;
      },
    });
    // The handler is told in a microtask of its own.
    await Promise.resolve();
    return this;
  }

  knows(...others: readonly TransportPeer[]): void {
    this.transport.setPeers(
      others.map(({ host, addresses, probePort }) => ({ host, addresses, probePort })),
    );
  }

  isConnectedTo(...others: readonly TransportPeer[]): boolean {
    return others.every(({ host }) => this.transport.connectedPeers().includes(host));
  }

  has(via: string, message: Message): boolean {
    return this.received.some(
      (item) => item.via === via && isDeepStrictEqual(item.message, message),
    );
  }

  dropped(reason: string): number {
    return this.transport.counters().dropped[reason] ?? 0;
  }
}

/** 32 bytes that stand for a secret made from the cluster key. */
export function derived(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
