import type { Ledger } from "../ledger/ledger.ts";
import type { HostId } from "../model/ids.ts";
import type { MemberReportMessage } from "../wire/messages.ts";
import type { Cluster } from "./cluster.ts";
import { GossipedNews } from "./gossiped-news.ts";
import type { GuestTable } from "./guest-table.ts";
import { MemberReports } from "./member-reports.ts";
import type { HostServiceNews } from "./news-by-service.ts";
import type { Outbox } from "./outbox.ts";
import { ReportDesk } from "./report-desk.ts";
import { draftReports } from "./report-drafts.ts";
import type { Self } from "./self.ts";
import { ServiceHosts } from "./service-hosts.ts";
import { ServiceSight, type ToldByOthers } from "./service-sight.ts";
import type { StewardWord } from "./steward-words.ts";

export interface ServiceSurroundingsOptions {
  readonly self: Self;
  readonly hasSwitch: boolean;
  readonly outbox: Outbox;
  readonly cluster: Cluster;
  readonly guests: GuestTable;
  readonly ledger: Ledger;
  readonly memoryShareMax: number;
}

const noWords: ReadonlyMap<HostId, StewardWord> = new Map();

/**
 * What the other hosts tell of services. Up to 256 hosts gossip brings everybody everything; above,
 * a view is up to date about a sample alone: there each host reports its members to those whom they
 * concern, and that alone is gone by.
 */
export class ServiceSurroundings {
  readonly #options: ServiceSurroundingsOptions;
  readonly #hosts: ServiceHosts;
  readonly #gossiped: GossipedNews;
  readonly #reports = new MemberReports();
  readonly #desk: ReportDesk;
  #words = noWords;
  #stirs = 0;

  constructor(options: ServiceSurroundingsOptions) {
    this.#options = options;
    const { hasSwitch, cluster, outbox } = options;
    const { self } = options.self.options;
    this.#hosts = new ServiceHosts({ self, hasSwitch, cluster });
    this.#gossiped = new GossipedNews({ self, cluster });
    this.#desk = new ReportDesk({ outbox, incarnation: () => cluster.incarnation });
  }

  /** True where news comes by reports. */
  get isLarge(): boolean {
    return this.#options.cluster.view.isLarge;
  }

  /** Rises with everything that services depend on, loads in a large cluster excepted. */
  get changes(): number {
    const { changes, tidings } = this.#options.cluster;
    return this.isLarge ? this.#stirs + this.#reports.changes : changes + tidings;
  }

  /** A host came, or, which is urgent, went or is suspected. */
  hostChanged(host: HostId, isUrgent: boolean): void {
    if (isUrgent) this.#stirs += 1;
    this.#hosts.stir(host);
  }

  documentsChanged(): void {
    this.#stirs += 1;
  }

  /** True while a large cluster is not known yet: who is whose steward is anybody's guess. */
  get isGrowing(): boolean {
    return this.#options.cluster.view.isGrowing;
  }

  heard(from: HostId, report: MemberReportMessage, nowMs: number): void {
    this.#reports.heard(from, report, nowMs);
  }

  /** All that is known of services at this moment and may be acted upon. */
  sight(own: HostServiceNews, nowMs: number): ServiceSight {
    this.#hosts.refresh(nowMs);
    if (this.isLarge) return this.#sightOf(this.#reports.news, own);
    this.#gossiped.refresh();
    return this.#sightOf(this.#gossiped.news, own);
  }

  /** The same for a reader: in a large cluster with what gossip brought, however old. */
  shown(own: HostServiceNews, nowMs: number): ServiceSight {
    if (!this.isLarge) return this.sight(own, nowMs);
    this.#hosts.refresh(nowMs);
    this.#gossiped.refresh();
    return this.#sightOf(bothOf(this.#gossiped.news, this.#reports.news), own);
  }

  /** Tells those whom it concerns, in a large cluster. `words`: undefined for those said last. */
  tell(
    own: HostServiceNews,
    {
      words = this.#words,
      hasBackend,
      nowMs,
    }: {
      readonly words?: ReadonlyMap<HostId, StewardWord> | undefined;
      readonly hasBackend: (service: string) => boolean;
      readonly nowMs: number;
    },
  ): void {
    if (!this.isLarge) return;
    this.#words = words;
    const sight = this.sight(own, nowMs);
    const drafts = draftReports(sight, { own, words, hasBackend });
    this.#desk.tell(drafts, () => sight.ownStanding, nowMs);
  }

  #sightOf(others: ToldByOthers, own: HostServiceNews): ServiceSight {
    const options = { ...this.#options, hosts: this.#hosts, others };
    if (!this.isLarge) return new ServiceSight(options, own);
    const reported = {
      standingOf: (host: HostId) => this.#reports.standingOf(host),
      says: (what: keyof StewardWord, service: string) => this.#says(what, service),
    };
    return new ServiceSight({ ...options, reported }, own);
  }

  #says(what: keyof StewardWord, service: string): boolean {
    const { self } = this.#options.self.options;
    const steward = this.#hosts.live.first(service);
    if (steward === self) return this.#words.get(self)?.[what].includes(service) ?? false;
    return this.#reports.says(steward, what, service);
  }
}

/** What was reported here is newer than what was gossiped. */
function bothOf(gossiped: ToldByOthers, reported: ToldByOthers): ToldByOthers {
  return {
    of: (host) => reported.of(host) ?? gossiped.of(host),
    membersOf: (service) =>
      new Map([...gossiped.membersOf(service), ...reported.membersOf(service)]),
    switchesOf: (service) =>
      new Map([...gossiped.switchesOf(service), ...reported.switchesOf(service)]),
    staging: reported.staging,
  };
}
