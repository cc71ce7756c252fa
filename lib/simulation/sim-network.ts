import type { HostId } from "../model/ids.ts";
import type { DatagramMessage, DeltaMessage, Message } from "../wire/messages.ts";
import { messageBytes } from "./network-bytes.ts";
import type { NetworkHandler, NetworkParts } from "./network-parts.ts";
import { SimStreams } from "./sim-streams.ts";

/** News spreads in hops: about this long, ms. */
const newsMsMin = 20;
const newsMsMax = 400;
/** To more hosts than this news goes in so many groups, each at one instant. */
const newsHostsMax = 64;
const newsGroups = 16;

/**
 * The agents' talk: datagrams that may be lost, doubled, late and out of order; streams that keep
 * order and lose nothing until they break; news for everybody who can be reached.
 */
export class SimNetwork {
  readonly #parts: NetworkParts;
  readonly #handlers = new Map<HostId, NetworkHandler>();
  readonly #streams: SimStreams;
  /** What was handed to the network; news counts once for everybody who gets it. */
  sentMessages = 0;
  /** Their bytes on the wire, as messageBytes() estimates them. */
  sentBytes = 0;

  constructor(parts: NetworkParts) {
    this.#parts = parts;
    this.#streams = new SimStreams(parts, this.#handlers);
  }

  /** An agent's process has started; it is dialled, and dials, from now on. */
  join(host: HostId, handler: NetworkHandler): void {
    this.#handlers.set(host, handler);
    this.#streams.join(host);
  }

  /** An agent's process is gone: its sockets close. */
  leave(host: HostId): void {
    this.#handlers.delete(host);
    this.#streams.leave(host);
  }

  /** A hung process accepts no stream; those that stand stay. */
  setResponsive(host: HostId, responsive: boolean): void {
    this.#streams.setResponsive(host, responsive);
  }

  send(from: HostId, to: HostId, message: Message): void {
    this.#count(message, 1);
    this.#streams.send(from, to, message);
  }

  datagram(from: HostId, to: HostId, message: DatagramMessage): void {
    const { prng, options } = this.#parts;
    this.#count(message, 1);
    if (prng.nextShare() < options.datagramLossShare) return;
    this.#deliverDatagram(from, to, message);
    if (prng.nextShare() < options.datagramTwiceShare) this.#deliverDatagram(from, to, message);
  }

  broadcast(from: HostId, message: DeltaMessage): void {
    const { clock, prng } = this.#parts;
    this.#count(message, this.#handlers.size - 1);
    for (const group of newsGroupsOf([...this.#handlers.keys()])) {
      clock.call(newsMsMin + prng.nextShare() * (newsMsMax - newsMsMin), () => {
        for (const to of group) if (to !== from) this.#hand(from, to, "news", message);
      });
    }
  }

  #count(message: Message, receivers: number): void {
    this.sentMessages += receivers;
    this.sentBytes += receivers * messageBytes(message);
  }

  #deliverDatagram(from: HostId, to: HostId, message: DatagramMessage): void {
    const { clock, prng, options } = this.#parts;
    const { delayMsMin, delayMsMax, datagramLateShare, datagramLateMsMax } = options;
    const late = prng.nextShare() < datagramLateShare ? prng.nextShare() * datagramLateMsMax : 0;
    const delayMs = delayMsMin + prng.nextShare() * (delayMsMax - delayMsMin) + late;
    clock.call(delayMs, () => this.#hand(from, to, "datagram", message));
  }

  #hand(from: HostId, to: HostId, via: "datagram" | "news", message: Message): void {
    if (this.#parts.links.passes(from, to)) this.#handlers.get(to)?.received(from, via, message);
  }
}

/** Each host by itself, or, of many, every sixteenth together. */
function newsGroupsOf(hosts: readonly HostId[]): readonly (readonly HostId[])[] {
  if (hosts.length <= newsHostsMax) return hosts.map((host) => [host]);
  const groups: HostId[][] = Array.from({ length: newsGroups }, () => []);
  for (const [index, host] of hosts.entries()) groups[index % newsGroups]?.push(host);
  return groups;
}
