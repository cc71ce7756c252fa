import type { Prng } from "../base/prng.ts";
import type { HostId } from "../model/ids.ts";

/** Whose turn it is in push-pull: every neighbour once a round, in an order drawn for each. */
export class GossipRound {
  #left: HostId[] = [];

  /** Undefined when there is no neighbour. */
  next(connected: ReadonlySet<HostId>, prng: Prng): HostId | undefined {
    for (let tries = 0; tries <= connected.size; tries++) {
      if (this.#left.length === 0) this.#left = prng.shuffle([...connected].sort());
      const host = this.#left.pop();
      if (host !== undefined && connected.has(host)) return host;
    }
    return undefined;
  }
}
