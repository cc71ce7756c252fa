import type { HostId } from "../model/ids.ts";
import type { MemberNews, SwitchNews } from "../model/member-news.ts";

/** What one host tells of services: its own members, and what its switch shows. */
export interface HostServiceNews {
  readonly members: readonly MemberNews[];
  /** Left out by a host without a switch. */
  readonly switch?: readonly SwitchNews[];
}

type ByHost<News> = ReadonlyMap<HostId, News>;

const none: ByHost<never> = new Map<HostId, never>();

/**
 * What the other hosts tell of services, to be found by service: who looks after one service must
 * not look through all that all hosts tell of all of them.
 */
export class NewsByService {
  readonly #byHost = new Map<HostId, HostServiceNews>();
  readonly #members = new Map<string, Map<HostId, MemberNews>>();
  readonly #switches = new Map<string, Map<HostId, SwitchNews>>();
  /** Members that are being staged or wait for it, of all services. */
  readonly #staging = new Map<HostId, readonly MemberNews[]>();

  /** Takes the place of all that the host told before; undefined to forget it. */
  set(host: HostId, news: HostServiceNews | undefined): void {
    const before = this.#byHost.get(host);
    if (before === news) return;
    for (const { service } of before?.members ?? []) drop(this.#members, service, host);
    for (const { service } of before?.switch ?? []) drop(this.#switches, service, host);
    this.#byHost.delete(host);
    this.#staging.delete(host);
    if (!news) return;
    this.#byHost.set(host, news);
    for (const one of news.members) add(this.#members, host, one);
    for (const one of news.switch ?? []) add(this.#switches, host, one);
    const staging = news.members.filter(({ state, waiting }) => waiting || state === "staging");
    if (staging.length > 0) this.#staging.set(host, staging);
  }

  of(host: HostId): HostServiceNews | undefined {
    return this.#byHost.get(host);
  }

  hosts(): Iterable<HostId> {
    return this.#byHost.keys();
  }

  membersOf(service: string): ByHost<MemberNews> {
    return this.#members.get(service) ?? none;
  }

  switchesOf(service: string): ByHost<SwitchNews> {
    return this.#switches.get(service) ?? none;
  }

  get staging(): ByHost<readonly MemberNews[]> {
    return this.#staging;
  }
}

function add<News extends { readonly service: string }>(
  index: Map<string, Map<HostId, News>>,
  host: HostId,
  news: News,
): void {
  const known = index.get(news.service);
  if (known) known.set(host, news);
  else index.set(news.service, new Map([[host, news]]));
}

function drop(index: Map<string, Map<HostId, unknown>>, service: string, host: HostId): void {
  const known = index.get(service);
  known?.delete(host);
  if (known?.size === 0) index.delete(service);
}
