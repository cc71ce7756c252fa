import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import type { HostId } from "#lib/model/ids.ts";
import type { DatagramMessage } from "#lib/wire/messages.ts";
import type { KnownPeer } from "../ports/transport.ts";
import { type IpEndpoint, ipEndpointOf } from "./addresses.ts";
import type { ClockSkews } from "./clock-skews.ts";
import type { Counters } from "./counters.ts";
import type { ProbePackets } from "./probe-packets.ts";
import { TransportError } from "./transport-error.ts";

/** Peers whose address is remembered from their own packets. */
const HEARD_MAX = 1024;

export interface ProbesOptions {
  readonly packets: ProbePackets;
  readonly counters: Counters;
  readonly skews: ClockSkews;
  readonly address: string;
  /** The IP address at the other end of the stream to a peer, which is known to work. */
  readonly linkAddressOf: (host: HostId) => string | undefined;
  readonly received: (from: HostId, message: DatagramMessage) => void;
  /** True when packets from this IP address may be looked at. */
  readonly admits: (ip: string) => boolean;
}

/** The UDP socket of the probes, and where each peer's is. */
export class Probes {
  readonly #options: ProbesOptions;
  readonly #known = new Map<HostId, KnownPeer>();
  readonly #heard = new Map<HostId, IpEndpoint>();
  #socket: Socket | undefined;

  constructor(options: ProbesOptions) {
    this.#options = options;
  }

  /** Binds the first of `ports` that is free (0: any); resolves to it. Rejects with TransportError. */
  async start(ports: readonly number[]): Promise<number> {
    let failure: unknown;
    for (const port of ports) {
      try {
        this.#socket = await bind(this.#options.address, port);
        break;
      } catch (error) {
        failure = error;
      }
    }
    const socket = this.#socket;
    if (!socket) throw this.#cannotBind(ports, failure);
    socket.on("message", (packet, remote) => this.#receive(packet, remote));
    // A send may fail later on (ICMP, no route); the probe is then simply not answered.
    socket.on("error", () => undefined);
    return socket.address().port;
  }

  async stop(): Promise<void> {
    const socket = this.#socket;
    this.#socket = undefined;
    if (socket) await new Promise<void>((resolve) => socket.close(() => resolve()));
  }

  setPeers(peers: readonly KnownPeer[]): void {
    this.#known.clear();
    for (const peer of peers) this.#known.set(peer.host, peer);
  }

  send(to: HostId, message: DatagramMessage): void {
    const endpoint = this.#endpointOf(to);
    if (!endpoint || !this.#socket) return;
    const { packets, skews } = this.#options;
    const packet = packets.seal(to, skews.sending(to, message));
    this.#options.counters.sent(packet.length, 1);
    this.#socket.send(packet, endpoint.port, endpoint.ip, () => undefined);
  }

  /**
   * The host's own word first: a connection that it dialled comes from whichever address its kernel
   * chose, and nobody need listen there. The connection only tells which of several can be reached.
   */
  #endpointOf(host: HostId): IpEndpoint | undefined {
    const known = this.#known.get(host);
    const heard = this.#heard.get(host);
    if (!known?.probePort) return heard;
    const port = known.probePort;
    const named = known.addresses.map(ipEndpointOf).filter((endpoint) => endpoint !== undefined);
    const linked = this.#options.linkAddressOf(host);
    const isNamed = named.length === 0 || named.some(({ ip }) => ip === linked);
    if (linked && isNamed) return { ip: linked, port };
    const [first] = named;
    return heard ?? (first && { ip: first.ip, port });
  }

  #receive(packet: Uint8Array, remote: RemoteInfo): void {
    const { counters, packets, admits } = this.#options;
    const opened = admits(remote.address) ? packets.open(packet) : "foreign-address";
    if (typeof opened === "string") {
      counters.drop(opened, remote.address, `UDP packet of ${packet.length} bytes`);
      return;
    }
    counters.received(packet.length, 1);
    this.#learn(opened.from, { ip: remote.address, port: remote.port });
    const { from, message } = opened;
    this.#options.skews.received(from, message);
    this.#options.received(from, message);
  }

  /** A packet proves who wrote it, not where it came from: a host's own word counts for more. */
  #learn(host: HostId, source: IpEndpoint): void {
    const known = this.#known.get(host)?.addresses.map(ipEndpointOf);
    if (known?.length && !known.some((endpoint) => endpoint?.ip === source.ip)) return;
    this.#heard.delete(host);
    this.#heard.set(host, source);
    const oldest = this.#heard.keys().next();
    if (this.#heard.size > HEARD_MAX && !oldest.done) this.#heard.delete(oldest.value);
  }

  #cannotBind(ports: readonly number[], cause: unknown): TransportError {
    const { address } = this.#options;
    return new TransportError(
      `UDP port ${ports.join(" or ")} on ${address} for probes cannot be bound (${String(cause)}); free it or choose another in the configuration`,
      { cause },
    );
  }
}

function bind(address: string, port: number): Promise<Socket> {
  const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
  return new Promise((resolve, reject) => {
    socket.once("error", (error) => {
      socket.close();
      reject(error);
    });
    socket.bind(port, address, () => {
      socket.removeAllListeners("error");
      resolve(socket);
    });
  });
}
