import type { Ledger } from "../ledger/ledger.ts";
import type { HostId } from "../model/ids.ts";
import type { MemberNews, SwitchNews } from "../model/member-news.ts";
import type { ServiceSpec } from "../model/service.ts";
import { figuresOfSummary, type HostFigures, utilisationOf } from "../planning/host-figures.ts";
import type { MemberEntry } from "../services/member-entry.ts";
import type { DocumentMark, HostStanding, ServiceView } from "../services/service-view.ts";
import type { Cluster } from "./cluster.ts";
import type { GuestTable } from "./guest-table.ts";
import { ownFigures } from "./own-figures.ts";
import type { Self } from "./self.ts";

/** One host that takes part in services, as it is seen from here. */
export interface SightHost {
  readonly host: HostId;
  /** Its own name, which a service's substitutions go by. */
  readonly name: string;
  /** A host whose agent restarts is live: that is no loss of the host. */
  readonly state: "live" | "suspect" | "gone";
  readonly standing: HostStanding;
  readonly members: readonly MemberNews[];
  /** Null where it has no switch. */
  readonly atSwitch: readonly SwitchNews[] | null;
}

/** What all live switches show of one service. */
interface AtSwitches {
  readonly news: SwitchNews[];
  readonly sessions: Map<HostId, number>;
}

export interface SightOptions {
  readonly self: Self;
  readonly cluster: Cluster;
  readonly guests: GuestTable;
  readonly ledger: Ledger;
  readonly memoryShareMax: number;
}

/** Own news, fresher than what was gossiped last. */
export interface OwnNews {
  readonly members: readonly MemberNews[];
  readonly atSwitch: readonly SwitchNews[] | null;
}

/** All that is known of services at one moment; made anew for each look. */
export class ServiceSight {
  readonly hosts: readonly SightHost[];
  readonly self: HostId;
  readonly #members = new Map<string, MemberEntry[]>();
  readonly #switches = new Map<string, AtSwitches>();
  readonly #standings: readonly HostStanding[];

  constructor(options: SightOptions, own: OwnNews) {
    this.self = options.self.options.self;
    this.hosts = sightHosts(options, own);
    const live = this.hosts.filter(({ state }) => state === "live");
    this.#standings = live.map(({ standing }) => standing);
    for (const { atSwitch } of live) for (const one of atSwitch ?? []) this.#addSwitch(one);
    for (const { host, state, members } of this.hosts) {
      if (state !== "gone") for (const news of members) this.#addMember(host, news);
    }
  }

  /** By the ledger, what is granted to others is taken. */
  get ownFreeMemoryBytes(): number {
    return this.#standings.find(({ host }) => host === this.self)?.freeMemoryBytes ?? 0;
  }

  get liveHosts(): readonly HostId[] {
    return this.#standings.map(({ host }) => host);
  }

  /** The service's members on hosts that are not gone. */
  membersOf(service: string): readonly MemberEntry[] {
    return this.#members.get(service) ?? [];
  }

  /** The members of all services on live hosts. */
  liveMembers(): MemberEntry[] {
    const live = new Set(this.liveHosts);
    return [...this.#members.values()].flat().filter(({ host }) => live.has(host));
  }

  viewOf(spec: ServiceSpec, document: DocumentMark): ServiceView {
    return {
      spec,
      document,
      self: this.self,
      hosts: this.#standings,
      members: this.membersOf(spec.name),
      queued: this.#queuedFor(spec.name),
    };
  }

  /** True once no live switch sends the host's member anything, or has sessions of it. */
  isDrained(service: string, host: HostId, drainMark: number): boolean {
    return this.hosts.every(({ state, atSwitch }) => {
      if (state !== "live" || atSwitch === null) return true;
      const shown = atSwitch
        .find((one) => one.service === service)
        ?.members.find((one) => one.host === host);
      return shown?.drainMark === drainMark && shown.sessions === 0;
    });
  }

  /**
   * Sessions that wait. What a switch tells that does not show yet all members that run is older
   * than the last of them: it would have one resumed for those whom that one serves already.
   */
  #queuedFor(service: string): number {
    const running = this.membersOf(service).filter(({ state }) => state === "running");
    let queued = 0;
    for (const news of this.#switches.get(service)?.news ?? []) {
      const ready = new Set(
        news.members.flatMap(({ host, state }) => (state === "ready" ? [host] : [])),
      );
      if (running.every(({ host }) => ready.has(host))) queued += news.queued;
    }
    return queued;
  }

  #addSwitch(news: SwitchNews): void {
    const { service, members } = news;
    const all: AtSwitches = this.#switches.get(service) ?? { news: [], sessions: new Map() };
    this.#switches.set(service, all);
    all.news.push(news);
    for (const { host, sessions } of members) {
      all.sessions.set(host, (all.sessions.get(host) ?? 0) + sessions);
    }
  }

  #addMember(host: HostId, news: MemberNews): void {
    const { service, state, outdated, waiting, cpuShare, obstacle } = news;
    const told = this.#switches.get(service);
    const sessions = told ? (told.sessions.get(host) ?? 0) : null;
    const entry = { service, host, state, outdated, waiting, cpuShare, sessions, obstacle };
    const known = this.#members.get(service);
    if (known) known.push(entry);
    else this.#members.set(service, [entry]);
  }
}

function sightHosts(options: SightOptions, own: OwnNews): SightHost[] {
  const { self, cluster, guests, ledger, memoryShareMax } = options;
  const me = ownFigures(self, guests, ledger);
  const hosts: SightHost[] = [
    {
      host: me.host,
      name: me.name,
      state: "live",
      standing: standingOf(me, memoryShareMax),
      members: own.members,
      atSwitch: own.atSwitch,
    },
  ];
  const restarting = new Set(
    cluster.membership.members().flatMap((one) => (one.restarting ? [one.host] : [])),
  );
  for (const host of cluster.view.hosts()) {
    const summary = cluster.view.summaryOf(host)?.record.body;
    const inventory = cluster.view.inventoryOf(host)?.record.body;
    // Who says nothing of members, an older agent for one, takes no part.
    if (host === me.host || !summary || !inventory?.members) continue;
    const figures = figuresOfSummary(host, summary);
    const state = cluster.membership.stateOf(host);
    const isLive = state === "alive" || (state === "suspect" && restarting.has(host));
    hosts.push({
      host,
      name: summary.name,
      state: isLive ? "live" : state === "suspect" ? "suspect" : "gone",
      standing: standingOf(figures, memoryShareMax),
      members: inventory.members,
      atSwitch: inventory.switch ?? null,
    });
  }
  return hosts;
}

function standingOf(figures: HostFigures, memoryShareMax: number): HostStanding {
  const { cpu, memory } = utilisationOf(figures);
  const usable = figures.memoryCapacityBytes * memoryShareMax;
  return {
    host: figures.host,
    draining: figures.draining,
    utilisation: Math.max(cpu, memory),
    freeMemoryBytes: Math.max(0, usable - figures.memoryBytes),
  };
}
