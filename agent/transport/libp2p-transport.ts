/**
 * Talk between agents over libp2p and UDP.
 *
 * Responsible for: finding peers (mDNS, configured addresses), connecting and staying connected,
 * one long-lived stream a peer, the news topic, the probes; and for letting nothing through that is
 * not authenticated, validated and bounded.
 *
 * How: `redial.ts` decides whom to dial, `connector.ts` dials and opens streams, `links.ts` keeps
 * one a peer, `codec.ts` turns messages into bytes and back, `news.ts` and `probes.ts` are the other
 * two channels, `discovery.ts` finds peers, `handshake-watch.ts` explains strangers. One timer
 * drives them.
 *
 * Never: decides who is a member, or what a message means.
 */
import type { HostId } from "#lib/model/ids.ts";
import { wireLimits } from "#lib/wire/limits.ts";
import type { DatagramMessage, DeltaMessage, Message } from "#lib/wire/messages.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import type {
  KnownPeer,
  Transport,
  TransportCounters,
  TransportHandler,
} from "../ports/transport.ts";
import { announcedAddresses, ipEndpointOf, readPeerAddress } from "./addresses.ts";
import { bindProblem } from "./bind-problem.ts";
import { ClockSkews } from "./clock-skews.ts";
import { Codec } from "./codec.ts";
import { Connector } from "./connector.ts";
import { Counters } from "./counters.ts";
import { Discovery } from "./discovery.ts";
import { HandshakeWatch } from "./handshake-watch.ts";
import { HostKeys } from "./host-keys.ts";
import { createNode, type EvenkeelNode } from "./libp2p-node.ts";
import { LinkCare } from "./link-care.ts";
import { Links } from "./links.ts";
import { listenedAddresses } from "./listened-addresses.ts";
import { News } from "./news.ts";
import { ProbePackets } from "./probe-packets.ts";
import { Probes } from "./probes.ts";
import { keyOfStranger, type Realm, realmOf, type TransportSecrets } from "./realm.ts";
import { Redial } from "./redial.ts";
import { SignedRecords } from "./signed-records.ts";
import type { PeerStream } from "./streams.ts";
import { TransportError } from "./transport-error.ts";

/** How often the transport looks after itself: more often while it is not connected as it wants. */
const BUSY_TICK_MS = 250;
const QUIET_TICK_MS = 1_000;
/** A tick later than this says that the process itself did not run. */
const LATE_MS = 1_500;
const ADDRESS_CHECK_MS = 15_000;
/** Between the last message and the end of the connections, so that it still gets out. */
const LINGER_MS = 100;

export interface Libp2pTransportOptions {
  /** `privateKey`: the 32-byte ed25519 seed. */
  readonly identity: { readonly privateKey: Uint8Array };
  readonly secrets: TransportSecrets;
  /** `port` 0: any free one. `probePort` 0: the number of the TCP port, else any free one. */
  readonly listen: {
    readonly address: string;
    readonly port: number;
    readonly probePort: number;
  };
  readonly mdns: boolean;
  /** Configured peers as multiaddrs or host:port. */
  readonly peers: readonly string[];
  /** Announce the addresses of this interface only; null for all. */
  readonly interfaceName?: string | null;
  readonly log: Log;
  readonly clock: Clock;
  /** As many random bytes as asked for. */
  readonly random: (byteCount: number) => Uint8Array;
}

/** The Transport of the real agent. The constructor throws TransportError on unusable options. */
export class Libp2pTransport implements Transport {
  readonly self: HostId;
  readonly #options: Libp2pTransportOptions;
  readonly #realm: Realm;
  readonly #keys: HostKeys;
  readonly #counters: Counters;
  readonly #codec: Codec;
  readonly #watch: HandshakeWatch;
  readonly #links: Links<PeerStream>;
  readonly #redial: Redial;
  readonly #news: News;
  readonly #probes: Probes;
  readonly #skews: ClockSkews;
  #handler: TransportHandler | undefined;
  #node: EvenkeelNode | undefined;
  #connector: Connector | undefined;
  #discovery: Discovery | undefined;
  #care: LinkCare | undefined;
  #addresses: readonly string[] = [];
  #probePort = 0;
  #forgetTick: () => void = () => undefined;
  #nextTickMs = Number.POSITIVE_INFINITY;
  #nextAddressCheckMs = 0;

  constructor(options: Libp2pTransportOptions) {
    this.#options = options;
    this.#realm = realmOf(options.secrets);
    this.#keys = new HostKeys(options.identity.privateKey);
    this.self = this.#keys.host;
    this.#counters = new Counters(options.log);
    this.#codec = this.#makeCodec();
    this.#watch = new HandshakeWatch({
      counters: this.#counters,
      nowMs: () => options.clock.nowMs(),
      isOpen: this.#realm.isOpen,
      hasRoom: () => this.#links.hosts().length < this.#realm.peersMax,
    });
    this.#links = this.#makeLinks();
    this.#redial = this.#makeRedial();
    this.#news = this.#makeNews();
    this.#skews = new ClockSkews(options.clock);
    this.#probes = this.#makeProbes();
  }

  async start(handler: TransportHandler): Promise<void> {
    this.#handler = handler;
    const node = await this.#startNode();
    this.#node = node;
    const port = listenedPort(node);
    this.#probePort = await this.#probes.start(this.#probePorts(port));
    this.#news.start(node.services.news);
    this.#care = new LinkCare({
      links: this.#links,
      isWanted: (host) => this.#redial.isWanted(host),
      hearsNews: (host) => this.#news.hasSubscriber(host),
    });
    this.#checkAddresses();
    if (this.#options.mdns) await this.#startDiscovery(node);
    this.#tick();
  }

  async stop(): Promise<void> {
    this.#forgetTick();
    this.#forgetTick = () => undefined;
    this.#handler = undefined;
    const node = this.#node;
    this.#node = undefined;
    await this.#news.stop();
    if (node) await this.#linger();
    await this.#discovery?.stop();
    await this.#probes.stop();
    // Closes gracefully first, so that a leave that was just sent still arrives.
    await node?.stop();
    this.#links.close();
  }

  send(to: HostId, message: Message): void {
    if (!this.#node || to === this.self) return;
    const { packets, leftOut } = this.#codec.encode(message, wireLimits.frameBytesMax);
    if (leftOut > 0) this.#counters.drop("unsendable", "this host", `${leftOut} parts of a delta`);
    let isLinked = true;
    for (const packet of packets) {
      this.#counters.sent(packet.length, 1);
      isLinked = this.#links.send(to, packet);
    }
    // Gossip goes to whoever is connected anyway; anything else is meant for this host alone.
    if (!isLinked || !isGossip(message)) this.#redial.demanded(to);
    if (!isLinked) this.#redialNow();
  }

  datagram(to: HostId, message: DatagramMessage): void {
    if (to !== this.self) this.#probes.send(to, message);
  }

  broadcast(message: DeltaMessage): void {
    if (this.#node) this.#news.publish(message);
  }

  setPeers(peers: readonly KnownPeer[]): void {
    this.#probes.setPeers(peers);
    this.#redial.setPeers(peers);
    this.#redialNow();
  }

  connectedPeers(): readonly HostId[] {
    return this.#links.hosts();
  }

  clockSkewsMs(): ReadonlyMap<HostId, number> {
    return this.#skews.all();
  }

  counters(): TransportCounters {
    return this.#counters.snapshot();
  }

  /** Lets what libp2p has taken get out: a leave is the last thing that an agent says. */
  #linger(): Promise<void> {
    return new Promise((resolve) => {
      this.#options.clock.after(LINGER_MS, () => resolve());
    });
  }

  #makeCodec(): Codec {
    const records = new SignedRecords({
      self: this.self,
      keys: this.#keys,
      hostsMax: this.#realm.peersMax,
      refuseMoreHosts: this.#realm.isOpen,
    });
    return new Codec(records);
  }

  #makeLinks(): Links<PeerStream> {
    return new Links({
      self: this.self,
      nowMs: () => this.#options.clock.nowMs(),
      connected: (host) => this.#tell((handler) => handler.peerConnected(host)),
      disconnected: (host) => {
        this.#redial.disconnected(host);
        this.#redialNow();
        this.#tell((handler) => handler.peerDisconnected(host));
      },
      lost: (_host, count) => {
        for (let i = 0; i < count; i++) this.#counters.count("unsent");
      },
    });
  }

  #makeRedial(): Redial {
    return new Redial({
      self: this.self,
      dial: (target) => this.#connector?.dial(target) ?? Promise.reject(new Error("not started")),
      isConnected: (host) => this.#links.get(host) !== undefined,
      nowMs: () => this.#options.clock.nowMs(),
      share: () => randomUint32(this.#options.random) / 2 ** 32,
      configured: this.#options.peers.map(readPeerAddress),
      peersMax: this.#realm.peersMax,
    });
  }

  #makeNews(): News {
    return new News({
      topic: this.#realm.topic,
      codec: this.#codec,
      counters: this.#counters,
      received: (from, message) => this.#receive(from, "news", message),
      offended: (peer) => this.#links.get(peer)?.countBadFrame(),
    });
  }

  #makeProbes(): Probes {
    const key = this.#realm.probeKey;
    const salt = randomUint32(this.#options.random);
    return new Probes({
      packets: new ProbePackets({ self: this.self, key, salt }),
      counters: this.#counters,
      skews: this.#skews,
      address: this.#options.listen.address,
      linkAddressOf: (host) => {
        const address = this.#links.get(host)?.connection.remoteAddr;
        return address && ipEndpointOf(address.toString())?.ip;
      },
      received: (from, message) => {
        this.#redial.heard(from);
        this.#receive(from, "datagram", message);
      },
      admits: (ip) => this.#watch.admits(ip),
    });
  }

  async #startNode(): Promise<EvenkeelNode> {
    const { listen, secrets } = this.#options;
    const { protocol, topic } = this.#realm;
    const node = await createNode({
      privateKey: this.#keys.privateKey,
      pnetKey: secrets.pnetKey,
      listenAddress: listen.address,
      port: listen.port,
      topic,
      gater: this.#watch.gater(),
    });
    this.#connector = new Connector({
      self: this.self,
      node,
      protocol,
      codec: this.#codec,
      counters: this.#counters,
      links: this.#links,
      watch: this.#watch,
      nowMs: () => this.#options.clock.nowMs(),
      received: (from, message) => this.#receive(from, "stream", message),
    });
    await this.#connector.start();
    try {
      await node.start();
    } catch (cause) {
      await node.stop();
      throw new TransportError(
        `TCP port ${listen.port} on ${listen.address} cannot be listened on (${bindProblem(cause)}); free it or choose another in the configuration`,
        { cause },
      );
    }
    return node;
  }

  async #startDiscovery(node: EvenkeelNode): Promise<void> {
    const { clock, random } = this.#options;
    const discovery = new Discovery({
      serviceTag: this.#realm.serviceTag,
      peerName: Buffer.from(random(16)).toString("hex"),
      ownAddresses: () => this.#addresses.map((address) => `${address}/p2p/${this.self}`),
      logger: node.logger,
      nowMs: () => clock.nowMs(),
      found: (host, addresses) => {
        this.#redial.found(host, addresses);
        this.#redialNow();
      },
      strangerHeard: (ip, tag) => this.#watch.tellStranger(ip, keyOfStranger(this.#realm, tag)),
    });
    await discovery.start();
    this.#discovery = discovery;
  }

  #probePorts(tcpPort: number): readonly number[] {
    const { probePort } = this.#options.listen;
    return probePort === 0 ? [tcpPort, 0] : [probePort];
  }

  #tick(): void {
    const nowMs = this.#options.clock.nowMs();
    const wasLate = nowMs - this.#nextTickMs > LATE_MS;
    this.#nextTickMs = Number.POSITIVE_INFINITY;
    this.#care?.tick(nowMs, wasLate);
    this.#discovery?.tick(this.#links.hosts().length > 0);
    this.#connector?.sweep();
    if (nowMs >= this.#nextAddressCheckMs) this.#checkAddresses();
    this.#redialNow();
  }

  /** Dials what is due, and looks again soon while not everybody wanted is connected. */
  #redialNow(): void {
    if (!this.#node) return;
    this.#redial.tick();
    const waitMs = this.#redial.isSettled() ? QUIET_TICK_MS : BUSY_TICK_MS;
    const atMs = this.#options.clock.nowMs() + waitMs;
    if (atMs >= this.#nextTickMs) return;
    this.#forgetTick();
    this.#nextTickMs = atMs;
    this.#forgetTick = this.#options.clock.after(waitMs, () => this.#tick());
  }

  #checkAddresses(): void {
    const { listen, interfaceName, clock } = this.#options;
    this.#nextAddressCheckMs = clock.nowMs() + ADDRESS_CHECK_MS;
    if (!this.#node) return;
    const listened = listenedAddresses({
      listenAddress: listen.address,
      port: listenedPort(this.#node),
      interfaceName: interfaceName ?? null,
    });
    const addresses = announcedAddresses(this.#addresses, listened);
    if (addresses.join() === this.#addresses.join()) return;
    this.#addresses = addresses;
    this.#tell((handler) => handler.addressesChanged(addresses, this.#probePort));
  }

  #receive(from: HostId, via: "stream" | "datagram" | "news", message: Message): void {
    this.#tell((handler) => handler.messageReceived(from, via, message));
  }

  /** Outside of libp2p's own calls, which would swallow what a handler throws. */
  #tell(what: (handler: TransportHandler) => void): void {
    queueMicrotask(() => {
      if (this.#handler) what(this.#handler);
    });
  }
}

function listenedPort(node: EvenkeelNode): number {
  const endpoint = node.getMultiaddrs().map((address) => ipEndpointOf(address.toString()))[0];
  if (!endpoint)
    throw new TransportError("libp2p listens on no TCP address; check the listen address");
  return endpoint.port;
}

function isGossip(message: Message): boolean {
  return message.type === "digest" || message.type === "delta";
}

function randomUint32(random: (byteCount: number) => Uint8Array): number {
  const bytes = random(4);
  return new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0);
}
