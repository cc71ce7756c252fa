import type { HostId } from "../model/ids.ts";
import { HostRanking } from "../services/rendezvous.ts";
import type { Cluster } from "./cluster.ts";

/** `gone`: dead, left or forgotten. A host whose agent restarts is live: that is no loss of it. */
export type HostState = "live" | "suspect" | "gone";

/** A large cluster is looked at again after this long though nobody came or went, ms. */
const againMs = 10_000;
/** Among many, hosts that were not known are met all the time after a start: so late at most, ms. */
const metMs = 1_000;
/** In a large cluster so many switches are told of every member; others stay empty. */
export const switchesMax = 16;

export interface ServiceHostsOptions {
  readonly self: HostId;
  readonly hasSwitch: boolean;
  readonly cluster: Pick<Cluster, "membership" | "view" | "changes" | "tidings">;
}

/** Which hosts take part in services and how they stand, this one first. */
export class ServiceHosts {
  readonly #options: ServiceHostsOptions;
  #states = new Map<HostId, HostState>();
  #live: HostRanking;
  #present: HostRanking;
  #seen = -1;
  #switches: readonly HostId[] = [];
  /** In a large cluster, somebody came or went since the last look; and that must be looked at now. */
  #isStirred = true;
  #isUrgent = true;
  #lookedMs = Number.NEGATIVE_INFINITY;

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

  /**
   * Hosts whose switches serve members, this one too; in a large cluster a bounded number. One that is
   * suspected may well go on to send requests: it counts until it is known to be gone.
   */
  get switches(): readonly HostId[] {
    return this.#switches;
  }

  /** A host came, or, which is urgent, went or is suspected. */
  stir(isUrgent: boolean): void {
    this.#isStirred = true;
    if (isUrgent) this.#isUrgent = true;
  }

  stateOf(host: HostId): HostState {
    return this.#states.get(host) ?? "gone";
  }

  /** Looks again, if anything has changed. */
  refresh(nowMs: number): void {
    if (!this.#isDue(nowMs)) return;
    this.#isStirred = false;
    this.#isUrgent = false;
    this.#lookedMs = nowMs;
    this.#states = this.#look();
    const live = [...this.#states].flatMap(([host, state]) => (state === "live" ? [host] : []));
    this.#live = ranked(live, this.#live);
    const present = [...this.#states.keys()];
    this.#present = present.length === live.length ? this.#live : ranked(present, this.#present);
    const switches = this.#present.hosts.filter((host) => this.#hasSwitch(host));
    const { isLarge } = this.#options.cluster.view;
    this.#switches = isLarge ? new HostRanking(switches).top("switch", switchesMax) : switches;
  }

  /** In a large cluster a record comes every 50 ms, and hardly any changes who is there. */
  #isDue(nowMs: number): boolean {
    const { cluster } = this.#options;
    if (cluster.view.isLarge) {
      const ageMs = nowMs - this.#lookedMs;
      return this.#isUrgent || ageMs >= (this.#isStirred ? metMs : againMs);
    }
    const changes = cluster.changes + cluster.tidings;
    if (changes === this.#seen) return false;
    this.#seen = changes;
    return true;
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
    const summary = view.summaryOf(host)?.record.body;
    if (!summary) return false;
    // Gossip brings an inventory late or never where there are many.
    if (view.isLarge) return summary.services !== undefined;
    return view.inventoryOf(host)?.record.body.members !== undefined;
  }

  #hasSwitch(host: HostId): boolean {
    const { self, hasSwitch, cluster } = this.#options;
    if (host === self) return hasSwitch;
    const { view } = cluster;
    if (view.isLarge) return view.summaryOf(host)?.record.body.services === "switch";
    return view.inventoryOf(host)?.record.body.switch !== undefined;
  }
}

/** Rankings keep what they found: the same hosts keep theirs. */
function ranked(hosts: readonly HostId[], before: HostRanking): HostRanking {
  const same =
    hosts.length === before.hosts.length && hosts.every((host, at) => host === before.hosts[at]);
  return same ? before : new HostRanking(hosts);
}
