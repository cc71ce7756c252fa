import type { ComponentLogger, PeerDiscovery, PeerInfo, Startable } from "@libp2p/interface";
import { mdns } from "@libp2p/mdns";
import { type Multiaddr, multiaddr } from "@multiformats/multiaddr";
import type { HostId } from "#lib/model/ids.ts";

/** Waits between the first questions, since hosts that start together miss each other's. */
const FIRST_WAITS_MS = [250, 500, 1_000, 2_000];
/** Wait of a host that has found nobody yet. */
const LONELY_WAIT_MS = 5_000;
/** Every question is answered by every host, so one that has joined asks rarely. */
const JOINED_WAIT_MS = 60_000;
/** Least time between two answers to agents of another key. */
const BEACON_WAIT_MS = 10_000;
/** The library's own asking is put off for good; setInterval takes no more than this. */
const NEVER_MS = 2 ** 31 - 1;
/** Service names of all evenkeel agents, whatever their key. */
const EVENKEEL_SERVICE = /^_ek-[a-z0-9]{1,40}\._udp\.local$/;

/** What the library's class has beyond its interface: the multicast socket. */
interface MulticastSocket {
  query(question: object): void;
  respond(answer: object): void;
  on(
    event: "query" | "response",
    heard: (packet: MdnsPacket, remote: { address: string }) => void,
  ): void;
}
type Discoverer = PeerDiscovery & Startable & { readonly mdns?: MulticastSocket };

interface MdnsPacket {
  readonly questions?: readonly { readonly name?: unknown }[];
  readonly answers?: readonly { readonly name?: unknown }[];
}

export interface DiscoveryOptions {
  /** Differs between clusters: agents of another key neither ask for it nor answer. */
  readonly serviceTag: string;
  /** Multiaddrs of this agent with its peer id. */
  readonly ownAddresses: () => readonly string[];
  readonly peerName: string;
  readonly logger: ComponentLogger;
  readonly nowMs: () => number;
  readonly found: (host: HostId, addresses: readonly string[]) => void;
  /** An agent with another service tag, so another key, speaks from this IP address. */
  readonly strangerHeard: (ip: string, serviceTag: string) => void;
}

/**
 * mDNS: finds the first peers on a segment. It only finds; dialling is left to others.
 *
 * How agents with another key are noticed: service names have one form and differ by a tag made
 * from the key, and multicast reaches everybody. Whoever hears a question for another tag knows
 * that a stranger is there, and answers with its own name, so that the stranger knows it too.
 */
export class Discovery {
  readonly #options: DiscoveryOptions;
  #discoverer: Discoverer | undefined;
  #asked = 0;
  #nextAskMs = 0;
  #nextBeaconMs = 0;

  constructor(options: DiscoveryOptions) {
    this.#options = options;
  }

  /** Joins the multicast group and asks at once. */
  async start(): Promise<void> {
    const { serviceTag, peerName, logger, ownAddresses, nowMs } = this.#options;
    const getAddresses = (): Multiaddr[] => ownAddresses().map((text) => multiaddr(text));
    const make = mdns({ serviceTag, peerName, interval: NEVER_MS });
    // The library asks its address manager for nothing but this list.
    const components = { addressManager: { getAddresses }, logger };
    const discoverer = make(components as unknown as Parameters<typeof make>[0]) as Discoverer;
    discoverer.addEventListener("peer", ({ detail }) => this.#found(detail));
    await discoverer.start();
    this.#discoverer = discoverer;
    discoverer.mdns?.on("query", (packet, { address }) => {
      this.#listen(packet.questions, address);
    });
    discoverer.mdns?.on("response", (packet, { address }) => {
      this.#listen(packet.answers, address);
    });
    this.#nextAskMs = nowMs() + (FIRST_WAITS_MS[0] ?? 0);
    this.#nextBeaconMs = nowMs();
  }

  async stop(): Promise<void> {
    await this.#discoverer?.stop();
    this.#discoverer = undefined;
  }

  /** To be called a few times a second; asks when it is time to. */
  tick(isJoined: boolean): void {
    const nowMs = this.#options.nowMs();
    // One that has just lost everybody does not wait out the rest of a quiet minute.
    if (!isJoined) this.#nextAskMs = Math.min(this.#nextAskMs, nowMs + LONELY_WAIT_MS);
    if (nowMs < this.#nextAskMs) return;
    this.#asked += 1;
    const laterMs = isJoined ? JOINED_WAIT_MS : LONELY_WAIT_MS;
    this.#nextAskMs = nowMs + (FIRST_WAITS_MS[this.#asked] ?? laterMs);
    const { serviceTag } = this.#options;
    this.#discoverer?.mdns?.query({ questions: [{ name: serviceTag, type: "PTR" }] });
  }

  #found(peer: PeerInfo): void {
    this.#options.found(peer.id.toString(), peer.multiaddrs.map(String));
  }

  #listen(entries: MdnsPacket["answers"], ip: string): void {
    for (const { name } of entries ?? []) {
      if (typeof name !== "string" || name === this.#options.serviceTag) continue;
      if (!EVENKEEL_SERVICE.test(name)) continue;
      this.#options.strangerHeard(ip, name);
      this.#showSelf();
      return;
    }
  }

  #showSelf(): void {
    const { serviceTag, peerName, nowMs } = this.#options;
    if (nowMs() < this.#nextBeaconMs) return;
    this.#nextBeaconMs = nowMs() + BEACON_WAIT_MS;
    const data = `${peerName}.${serviceTag}`;
    this.#discoverer?.mdns?.respond({ answers: [{ name: serviceTag, type: "PTR", data }] });
  }
}
