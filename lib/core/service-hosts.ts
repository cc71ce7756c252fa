import type { HostId } from "../model/ids.ts";
import { HostRanking } from "../services/rendezvous.ts";
import type { Cluster } from "./cluster.ts";

/** `gone`: dead, left or forgotten. A host whose agent restarts is live: that is no loss of it. */
export type HostState = "live" | "suspect" | "gone";

/** In a large cluster all hosts are looked at again after this long though nobody came or went, ms. */
const againMs = 30_000;
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
  /** In a large cluster: those that have one and are not gone, and who changed since the last look. */
  readonly #switchHosts = new Set<HostId>();
  readonly #stirred = new Set<HostId>();
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

  /** The host came, went, or is suspected. */
  stir(host: HostId): void {
    if (this.#options.cluster.view.isLarge) this.#stirred.add(host);
  }

  stateOf(host: HostId): HostState {
    return this.#states.get(host) ?? "gone";
  }

  /** Looks again, if anything has changed. */
  refresh(nowMs: number): void {
    const { cluster } = this.#options;
    if (cluster.view.isLarge) {
      this.#refreshLarge(nowMs);
      return;
    }
    this.#lookedMs = Number.NEGATIVE_INFINITY;
    const changes = cluster.changes + cluster.tidings;
    if (changes === this.#seen) return;
    this.#seen = changes;
    this.#refreshSmall();
  }

  #refreshSmall(): void {
    const { self, cluster } = this.#options;
    const states = new Map<HostId, HostState>([[self, "live"]]);
    for (const host of cluster.view.hosts()) {
      const state = this.#find(host);
      if (state !== "gone") states.set(host, state);
    }
    this.#states = states;
    const live = [...states].flatMap(([host, state]) => (state === "live" ? [host] : []));
    this.#live = ranked(live, this.#live);
    const present = [...states.keys()];
    this.#present = present.length === live.length ? this.#live : ranked(present, this.#present);
    this.#switches = this.#present.hosts.filter((host) => this.#hasSwitch(host));
  }

  /** A record comes every 50 ms, and hardly any changes who is there: only those are looked at. */
  #refreshLarge(nowMs: number): void {
    const { self, cluster } = this.#options;
    if (nowMs - this.#lookedMs >= againMs) {
      if (this.#lookedMs === Number.NEGATIVE_INFINITY) this.#begin();
      this.#lookedMs = nowMs;
      for (const host of [self, ...this.#states.keys(), ...cluster.view.hosts()]) {
        this.#stirred.add(host);
      }
    }
    if (this.#stirred.size === 0) return;
    let differs = false;
    for (const host of this.#stirred) differs = this.#update(host) || differs;
    this.#stirred.clear();
    if (differs) this.#switches = new HostRanking(this.#switchHosts).top("switch", switchesMax);
  }

  /** The cluster has become large: from now on each host is kept up by itself. */
  #begin(): void {
    this.#seen = -1;
    this.#switchHosts.clear();
    this.#switches = [];
    this.#live = new HostRanking(this.#live.hosts);
    this.#present = new HostRanking(this.#present.hosts);
  }

  /** True when it changed who has a switch. */
  #update(host: HostId): boolean {
    const state = this.#find(host);
    if (state === "gone") this.#states.delete(host);
    else this.#states.set(host, state);
    if (state === "live") this.#live.add(host);
    else this.#live.remove(host);
    if (state === "gone") this.#present.remove(host);
    else this.#present.add(host);
    const hasSwitch = state !== "gone" && this.#hasSwitch(host);
    if (hasSwitch === this.#switchHosts.has(host)) return false;
    if (hasSwitch) this.#switchHosts.add(host);
    else this.#switchHosts.delete(host);
    return true;
  }

  #find(host: HostId): HostState {
    const { self, cluster } = this.#options;
    if (host === self) return "live";
    if (!this.#takesPart(host)) return "gone";
    const state = cluster.membership.stateOf(host);
    if (state === "alive") return "live";
    if (state !== "suspect") return "gone";
    return cluster.membership.isRestarting(host) ? "live" : "suspect";
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
