import type { HostId } from "../model/ids.ts";
import type { MemberEntry } from "./member-entry.ts";
import type { ServiceParams } from "./params.ts";
import { stagingTurns } from "./staging.ts";

type Params = Pick<ServiceParams, "stagingsMax" | "turnMs">;

/**
 * Which of this host's members are to be staged now. A turn counts once it has lasted for about as
 * long as news takes to reach everybody: hosts that heard of a new template one after the other would
 * all take themselves for the first.
 */
export class OwnTurns {
  readonly #self: HostId;
  readonly #params: Params;
  /** Since when it has been the turn of the own member, by service. */
  readonly #sinceMs = new Map<string, number>();

  constructor(self: HostId, params: Params) {
    this.#self = self;
    this.#params = params;
  }

  /** Services whose member here may be staged, given all members that are known. */
  due(members: readonly MemberEntry[], nowMs: number): string[] {
    const turns = stagingTurns(members, this.#params).filter(({ host }) => host === this.#self);
    const services = turns.map(({ service }) => service);
    for (const service of this.#sinceMs.keys()) {
      if (!services.includes(service)) this.#sinceMs.delete(service);
    }
    return services.filter((service) => {
      const sinceMs = this.#sinceMs.get(service) ?? nowMs;
      this.#sinceMs.set(service, sinceMs);
      return nowMs - sinceMs >= this.#params.turnMs;
    });
  }

  /** When to ask again, if nothing changes; undefined for never. */
  get nextTimeoutMs(): number | undefined {
    if (this.#sinceMs.size === 0) return undefined;
    return Math.min(...this.#sinceMs.values()) + this.#params.turnMs;
  }
}
