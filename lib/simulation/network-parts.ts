import type { Prng } from "../base/prng.ts";
import type { HostId } from "../model/ids.ts";
import type { Message } from "../wire/messages.ts";
import type { NetworkOptions } from "./network-options.ts";
import type { SimLinks } from "./sim-links.ts";
import type { VirtualClock } from "./virtual-clock.ts";

/** What the network tells an agent. */
export interface NetworkHandler {
  received(from: HostId, via: "stream" | "datagram" | "news", message: Message): void;
  connected(host: HostId): void;
  disconnected(host: HostId): void;
}

/** What the parts of the network are made of. */
export interface NetworkParts {
  readonly clock: VirtualClock;
  readonly prng: Prng;
  readonly links: SimLinks;
  readonly options: NetworkOptions;
  /** Hosts that the world will have: many are no full mesh. 0 (one) by default. */
  readonly hostCount?: number;
}
