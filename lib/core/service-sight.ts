import type { Ledger } from "../ledger/ledger.ts";
import type { HostId } from "../model/ids.ts";
import type { MemberNews, SwitchNews } from "../model/member-news.ts";
import type { ServiceSpec } from "../model/service.ts";
import { figuresOfSummary } from "../planning/host-figures.ts";
import { type MemberEntry, serves } from "../services/member-entry.ts";
import type { DocumentMark, HostStanding, ServiceView } from "../services/service-view.ts";
import type { Cluster } from "./cluster.ts";
import type { GuestTable } from "./guest-table.ts";
import { ownStanding, standingOf } from "./host-standing.ts";
import type { HostServiceNews, NewsByService } from "./news-by-service.ts";
import type { Self } from "./self.ts";
import type { HostState, ServiceHosts } from "./service-hosts.ts";

/** One host that takes part in services, as it is seen from here. */
export interface SightHost {
  readonly host: HostId;
  /** Its own name, which a service's substitutions go by. */
  readonly name: string;
  readonly state: HostState;
}

/** What a host tells of its member of one service. */
export interface SeenMember {
  readonly at: SightHost;
  readonly news: MemberNews;
}

export interface SightOptions {
  readonly self: Self;
  readonly cluster: Pick<Cluster, "view">;
  readonly guests: GuestTable;
  readonly ledger: Ledger;
  readonly memoryShareMax: number;
  readonly hosts: ServiceHosts;
  /** What the others tell. */
  readonly others: ToldByOthers;
  /** What was reported here, in a large cluster. */
  readonly reported?: {
    /** Undefined to go by the host's summary. */
    readonly standingOf: (host: HostId) => HostStanding | undefined;
    /** True when the service's steward has said so of the member here. */
    readonly says: (what: "mayStage" | "mayGo", service: string) => boolean;
  };
}

export type ToldByOthers = Pick<NewsByService, "of" | "membersOf" | "switchesOf" | "staging">;

/**
 * All that is known of services at one moment. Nothing is worked out before somebody asks, and then
 * for the one service that is asked for.
 */
export class ServiceSight {
  readonly hosts: ServiceHosts;
  readonly self: HostId;
  readonly #options: SightOptions;
  /** Fresher than what was gossiped last. */
  readonly #own: HostServiceNews;
  readonly #members = new Map<string, readonly MemberEntry[]>();
  #ownStanding: HostStanding | undefined;

  constructor(options: SightOptions, own: HostServiceNews) {
    this.#options = options;
    this.#own = own;
    this.hosts = options.hosts;
    this.self = options.self.options.self;
  }

  get ownStanding(): HostStanding {
    this.#ownStanding ??= ownStanding(this.#options);
    return this.#ownStanding;
  }

  /** True where every host knows of all members. */
  get isWhole(): boolean {
    return this.#options.reported === undefined;
  }

  get liveHosts(): readonly HostId[] {
    return this.hosts.live.hosts;
  }

  /** The steward, as this host sees it. */
  stewardOf(service: string): HostId | undefined {
    return this.hosts.live.first(service);
  }

  /**
   * True when the service's steward has said so of the member here; null in a small cluster, where
   * each host finds out by itself.
   */
  stewardSays(what: "mayStage" | "mayGo", service: string): boolean | null {
    return this.#options.reported?.says(what, service) ?? null;
  }

  /** What each host, gone ones too, tells of its member of the service. */
  seenMembers(service: string): SeenMember[] {
    const seen: SeenMember[] = [];
    const own = this.#own.members.find((one) => one.service === service);
    if (own) seen.push({ at: this.#hostOf(this.self), news: own });
    for (const [host, news] of this.#options.others.membersOf(service)) {
      seen.push({ at: this.#hostOf(host), news });
    }
    return seen;
  }

  /** What the switches of hosts that are not gone show of the service. */
  switchesOf(service: string): { readonly host: HostId; readonly news: SwitchNews }[] {
    const own = this.#own.switch?.find((one) => one.service === service);
    const others = [...this.#options.others.switchesOf(service)]
      .filter(([host]) => this.hosts.stateOf(host) !== "gone")
      .map(([host, news]) => ({ host, news }));
    return own ? [{ host: this.self, news: own }, ...others] : others;
  }

  /** The service's members on hosts that are not gone. */
  membersOf(service: string): readonly MemberEntry[] {
    let members = this.#members.get(service);
    if (!members) {
      const sessions = this.#sessionsOf(service);
      members = this.seenMembers(service)
        .filter(({ at }) => at.state !== "gone")
        .map(({ at, news }) => entryOf(at.host, news, sessions && (sessions.get(at.host) ?? 0)));
      this.#members.set(service, members);
    }
    return members;
  }

  /** Members on live hosts that are being staged or wait for it, of all services. */
  staging(): MemberEntry[] {
    const own = this.#own.members.filter((one) => one.waiting || one.state === "staging");
    const entries = own.map((news) => entryOf(this.self, news, null));
    for (const [host, all] of this.#options.others.staging) {
      if (this.hosts.stateOf(host) !== "live") continue;
      for (const news of all) entries.push(entryOf(host, news, null));
    }
    return entries;
  }

  viewOf(spec: ServiceSpec, document: DocumentMark): ServiceView {
    const members = this.membersOf(spec.name);
    const hosts = this.#concerned(spec, members).flatMap((host) => this.#standingOf(host) ?? []);
    return { spec, document, self: this.self, hosts, members, queued: this.#queuedFor(spec.name) };
  }

  /** The hosts that should have a member, those that are suspected too. */
  chosenHosts({ name, stagedMax }: Pick<ServiceSpec, "name" | "stagedMax">): readonly HostId[] {
    const { present } = this.hosts;
    return stagedMax === null ? present.hosts : present.top(name, stagedMax);
  }

  /** True once no live switch sends the host's member anything, or has sessions of it. */
  isDrained(service: string, host: HostId, drainMark: number): boolean {
    const isDone = (switches: readonly SwitchNews[]) => {
      const shown = switches
        .find((one) => one.service === service)
        ?.members.find((one) => one.host === host);
      return shown?.drainMark === drainMark && shown.sessions === 0;
    };
    return this.hosts.switches.every((at) => {
      const shown = at === this.self ? this.#own.switch : this.#options.others.of(at)?.switch;
      return isDone(shown ?? []);
    });
  }

  /**
   * The live hosts that matter for the service, in no meaningful order: those with a member, those
   * that should have one, and the steward. None of the others changes what becomes of it, and there
   * may be a thousand of them.
   */
  #concerned({ name, stagedMax }: ServiceSpec, members: readonly MemberEntry[]): HostId[] {
    const { live } = this.hosts;
    const hosts = new Set([this.self, ...live.top(name, 1)]);
    for (const { host } of members) if (this.hosts.stateOf(host) === "live") hosts.add(host);
    for (const host of stagedMax === null ? live.hosts : live.top(name, stagedMax)) hosts.add(host);
    return [...hosts];
  }

  #hostOf(host: HostId): SightHost {
    const { self, cluster } = this.#options;
    if (host === this.self) return { host, name: self.options.name, state: "live" };
    const name = cluster.view.summaryOf(host)?.record.body.name ?? host;
    return { host, name, state: this.hosts.stateOf(host) };
  }

  #standingOf(host: HostId): HostStanding | undefined {
    if (host === this.self) return this.ownStanding;
    const reported = this.#options.reported?.standingOf(host);
    if (reported) return reported;
    const summary = this.#options.cluster.view.summaryOf(host)?.record.body;
    if (!summary) return undefined;
    return standingOf(figuresOfSummary(host, summary), this.#options.memoryShareMax);
  }

  /**
   * Sessions that wait. What a switch tells that does not show yet all members that run is older
   * than the last of them: it would have one resumed for those whom that one serves already.
   */
  #queuedFor(service: string): number {
    const running = this.membersOf(service).filter(serves);
    let queued = 0;
    for (const news of this.#liveSwitchesOf(service)) {
      const ready = new Set(
        news.members.flatMap(({ host, state }) => (state === "ready" ? [host] : [])),
      );
      if (running.every(({ host }) => ready.has(host))) queued += news.queued;
    }
    return queued;
  }

  /** Of each host's member, at all live switches together; null where no switch tells. */
  #sessionsOf(service: string): ReadonlyMap<HostId, number> | null {
    const switches = this.#liveSwitchesOf(service);
    if (switches.length === 0) return null;
    const all = new Map<HostId, number>();
    for (const { members } of switches) {
      for (const { host, sessions } of members) all.set(host, (all.get(host) ?? 0) + sessions);
    }
    return all;
  }

  #liveSwitchesOf(service: string): SwitchNews[] {
    return this.switchesOf(service).flatMap(({ host, news }) =>
      this.hosts.stateOf(host) === "live" ? [news] : [],
    );
  }
}

function entryOf(host: HostId, news: MemberNews, sessions: number | null): MemberEntry {
  const { service, state, outdated, waiting, healthy, cpuShare, obstacle } = news;
  const health = healthy === false ? { healthy } : {};
  return { service, host, state, outdated, waiting, ...health, cpuShare, sessions, obstacle };
}
