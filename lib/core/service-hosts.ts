import type { HostId } from "../model/ids.ts";
import { HostRanking } from "../services/rendezvous.ts";
import type { Cluster } from "./cluster.ts";

/** `gone`: dead, left or forgotten. A host whose agent restarts is live: that is no loss of it. */
export type HostState = "live" | "suspect" | "gone";

export interface ServiceHostsOptions {
  readonly self: HostId;
  readonly cluster: Pick<Cluster, "membership" | "view" | "changes" | "tidings">;
}

/** Which hosts take part in services and how they stand, this one first. */
export class ServiceHosts {
  readonly #options: ServiceHostsOptions;
  #states = new Map<HostId, HostState>();
  #live: HostRanking;
  #present: HostRanking;
  #seen = -1;

  constructor(options: ServiceHostsOptions) {
    this.#options = options;
    this.#live = new HostRanking([options.self]);
    this.#present = this.#live;
  }

  /** In a partition, those of the own side. */
  get live(): HostRanking {
    return this.#live;
  }

  /** The live ones, and those that are only suspected: that is no reason to fill a disk. */
  get present(): HostRanking {
    return this.#present;
  }

  stateOf(host: HostId): HostState {
    return this.#states.get(host) ?? "gone";
  }

  /** Looks again, if anything has changed. */
  refresh(): void {
    const { cluster } = this.#options;
    const changes = cluster.changes + cluster.tidings;
    if (changes === this.#seen) return;
    this.#seen = changes;
    this.#states = this.#look();
    const live = [...this.#states].flatMap(([host, state]) => (state === "live" ? [host] : []));
    this.#live = ranked(live, this.#live);
    const present = [...this.#states.keys()];
    this.#present = present.length === live.length ? this.#live : ranked(present, this.#present);
  }

  /** Without those that are gone. */
  #look(): Map<HostId, HostState> {
    const { self, cluster } = this.#options;
    const { membership, view } = cluster;
    const states = new Map<HostId, HostState>([[self, "live"]]);
    const restarting = new Set(
      membership.members().flatMap((one) => (one.restarting ? [one.host] : [])),
    );
    for (const host of view.hosts()) {
      if (host === self || !this.#takesPart(host)) continue;
      const state = membership.stateOf(host);
      const isLive = state === "alive" || (state === "suspect" && restarting.has(host));
      if (isLive || state === "suspect") states.set(host, isLive ? "live" : "suspect");
    }
    return states;
  }

  /** Who says nothing of members, an older agent for one, takes no part. */
  #takesPart(host: HostId): boolean {
    const { view } = this.#options.cluster;
    if (!view.summaryOf(host)) return false;
    return view.inventoryOf(host)?.record.body.members !== undefined;
  }
}

/** Rankings keep what they found: the same hosts keep theirs. */
function ranked(hosts: readonly HostId[], before: HostRanking): HostRanking {
  const same =
    hosts.length === before.hosts.length && hosts.every((host, at) => host === before.hosts[at]);
  return same ? before : new HostRanking(hosts);
}
