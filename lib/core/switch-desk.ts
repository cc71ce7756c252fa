import { sortedBy } from "../base/ordered.ts";
import type { HostId, VmName } from "../model/ids.ts";
import type { MemberAtSwitch, MemberNews, SwitchNews } from "../model/member-news.ts";
import type { ServiceSpec } from "../model/service.ts";
import type {
  BackendView,
  Leftovers,
  ServerState,
  WantedBackend,
  WantedServer,
} from "../model/switch.ts";
import { memberNameOf } from "../services/member-name.ts";
import { memberSpecOf } from "../services/member-spec.ts";
import { serverName } from "../services/switch-plan.ts";
import { wireLimits } from "../wire/limits.ts";
import type { Outbox } from "./outbox.ts";
import type { SeenMember, ServiceSight, SightHost } from "./service-sight.ts";

/** All members of one service take the same share of its requests. */
const weight = 100;
/** What a switch showed may be older than the wish, but not after so many looks. */
const looksMin = 2;

/** A member as this host's switch should have it. */
interface Wish {
  readonly service: string;
  readonly backend: string;
  readonly host: HostId;
  readonly server: WantedServer;
  /** What its host wants of it, whatever its health. */
  readonly told: ServerState;
  readonly drainMark: number | null;
  /** Looks of the keeper since this was wished. */
  looks: number;
}

const nothingLeft: Leftovers = { left: [], cleared: [] };
const nothing = { state: "maint", sessions: 0, queued: 0 } as const;

type Endpoint = { readonly address: string; readonly port: number } | null;

/** Where members of a document's hosts are reached; a document is never changed, only replaced. */
const endpoints = new WeakMap<ServiceSpec, Map<string, Endpoint>>();

/** What this host's switch should have of all services, and what it shows of them. */
export class SwitchDesk {
  readonly #outbox: Outbox;
  #wishes = new Map<string, Wish>();
  /** The last document of each service: of a deleted one while its members still drain. */
  readonly #specs = new Map<string, ServiceSpec>();
  #said = "";
  #seen: readonly BackendView[] = [];
  #problem = "";

  constructor(outbox: Outbox) {
    this.#outbox = outbox;
  }

  /** Says what is wanted, if that changed. `declared`: every service that is. */
  want(
    declared: readonly ServiceSpec[],
    sight: Pick<ServiceSight, "seenMembers">,
    leftovers: Leftovers = nothingLeft,
  ): void {
    for (const spec of declared) this.#specs.set(spec.name, spec);
    const isDeclared = new Set(declared);
    const backends = new Set(declared.flatMap(({ backend }) => backend ?? []));
    const wishes = new Map<string, Wish>();
    for (const [name, spec] of this.#specs) {
      const before = wishes.size;
      if (spec.backend !== null) {
        const least = isDeclared.has(spec) ? spec.running.min : 0;
        for (const wish of this.#wishesOf(spec, spec.backend, { least, sight })) {
          wishes.set(`${wish.service}/${wish.host}`, wish);
        }
      }
      const isOver = wishes.size === before && !isDeclared.has(spec);
      if (isOver) this.#specs.delete(name);
    }
    this.#wishes = wishes;
    for (const { backend } of wishes.values()) backends.add(backend);
    this.#say([...backends].sort(), leftovers);
  }

  /** The keeper has looked. */
  observed(backends: readonly BackendView[], problem: string | null): void {
    this.#seen = backends;
    this.#problem = (problem ?? "").slice(0, wireLimits.obstacleLengthMax);
    for (const wish of this.#wishes.values()) wish.looks += 1;
  }

  /** What the others should know of this switch. */
  news(): readonly SwitchNews[] {
    const byService = new Map<string, { queued: number; members: MemberAtSwitch[] }>();
    const views = new Map(this.#seen.map((view) => [view.backend, view]));
    let room: number = wireLimits.switchMembersMax;
    for (const wish of this.#wishes.values()) {
      const view = views.get(wish.backend);
      const news = byService.get(wish.service) ?? { queued: view?.queued ?? 0, members: [] };
      byService.set(wish.service, news);
      const shown = shownOf(wish, view);
      if (!shown || room === 0) continue;
      room -= 1;
      news.members.push(shown);
    }
    const problem = this.#problem;
    const services = [...byService].map(([service, news]) => ({ service, problem, ...news }));
    return sortedBy(services, ({ service }) => service).slice(0, wireLimits.inventoryServicesMax);
  }

  /** `least`: so many members take requests, if that many run. */
  #wishesOf(
    spec: ServiceSpec,
    backend: string,
    { least, sight }: { least: number; sight: Pick<ServiceSight, "seenMembers"> },
  ): Wish[] {
    const all = sight.seenMembers(spec.name);
    const taking = all.filter(takesRequests).length;
    // What this switch drains already may be suspended at any moment: its host has its word.
    const drains = ({ at }: SeenMember) => this.#known(spec, at.host)?.server.state === "drain";
    const goOn = all.filter((seen) => goesWell(seen) && !drains(seen));
    const kept = new Set(goOn.slice(0, Math.max(0, least - taking)));
    const avoids = taking + kept.size > 0;
    return all.flatMap((seen) => {
      const { host } = seen.at;
      const member = memberNameOf(spec.name, host);
      const endpoint = seen.news.state === "absent" ? null : endpointOf(spec, seen.at);
      if (!endpoint || member === null) return [];
      const known = this.#known(spec, host);
      const keeps = kept.has(seen);
      return [wishOf({ spec, backend, seen, member, endpoint, known, avoids, keeps })];
    });
  }

  #known({ name }: ServiceSpec, host: HostId): Wish | undefined {
    return this.#wishes.get(`${name}/${host}`);
  }

  #say(names: readonly string[], leftovers: Leftovers): void {
    const servers = new Map<string, WantedServer[]>(names.map((backend) => [backend, []]));
    for (const { backend, server } of this.#wishes.values()) servers.get(backend)?.push(server);
    const backends: WantedBackend[] = [...servers].map(([backend, all]) => ({
      backend,
      servers: sortedBy(all, ({ member }) => member),
    }));
    const said = JSON.stringify({ backends, leftovers });
    if (said === this.#said) return;
    this.#said = said;
    this.#outbox.switchWanted(backends, leftovers);
  }
}

function wishOf(facts: {
  readonly spec: ServiceSpec;
  readonly backend: string;
  readonly seen: SeenMember;
  readonly member: VmName;
  readonly endpoint: NonNullable<Endpoint>;
  readonly known: Wish | undefined;
  /** A member that is well takes what an unhealthy one would get. */
  readonly avoids: boolean;
  /** It drains, and nobody has taken its place yet. */
  readonly keeps: boolean;
}): Wish {
  const { spec, backend, seen, member, endpoint, known, avoids, keeps } = facts;
  const { at: host, news } = seen;
  const told = stateOf(host, news, known?.told);
  // When all fail all are used: slow is better than none.
  const isFailing = told === "ready" && news.healthy === false && avoids;
  const stays = told === "drain" && keeps;
  const state = stays ? "ready" : isFailing ? "drain" : told;
  const drainMark = state === "drain" ? news.drainMark : null;
  const { connectionsPerMember: connectionsMax } = spec;
  const server = { member, ...endpoint, state, weight, connectionsMax };
  const isNew = known?.server.state !== state || known.drainMark !== drainMark;
  const looks = isNew ? 0 : known.looks;
  return { service: spec.name, backend, host: host.host, server, told, drainMark, looks };
}

function takesRequests({ at, news }: SeenMember): boolean {
  const runs = news.state === "running" && news.atSwitch === "ready";
  return at.state === "live" && runs && news.healthy !== false;
}

/**
 * One that drains and could go on. The news that it may go comes from another host than the news of
 * who takes its place, now and then earlier: until then it goes on.
 */
function goesWell({ at, news }: SeenMember): boolean {
  return at.state === "live" && news.atSwitch === "drain" && news.healthy !== false;
}

/** A host that is only suspected, or whose agent has just started, keeps what it had. */
function stateOf(
  host: SightHost,
  { atSwitch }: MemberNews,
  known: ServerState | undefined,
): ServerState {
  if (host.state === "gone") return "maint";
  if (atSwitch === "kept") return known ?? "ready";
  return host.state === "suspect" ? (known ?? atSwitch) : atSwitch;
}

/** Undefined for one that takes no sessions, has none and is not being drained. */
function shownOf(wish: Wish, view: BackendView | undefined): MemberAtSwitch | undefined {
  const { host, server, drainMark } = wish;
  if (!view) return undefined;
  const name = serverName(server.member);
  const seen = view.servers.find((one) => one.name === name);
  const { state, sessions: served, queued } = seen ?? nothing;
  // What waits at one that is left keeps it from being drained; else it counts as queued alone.
  const sessions = state === "ready" ? served : served + queued;
  if (state === "maint" && sessions === 0 && drainMark === null) return undefined;
  const follows = state === "drain" || (state === "maint" && wish.looks >= looksMin);
  return { host, state, sessions, drainMark: follows ? drainMark : null };
}

/** Where the host's member is reached; null where the document does not make one there. */
function endpointOf(spec: ServiceSpec, { host, name }: SightHost): Endpoint {
  const known = endpoints.get(spec) ?? new Map<string, Endpoint>();
  endpoints.set(spec, known);
  const key = `${host}/${name}`;
  let endpoint = known.get(key);
  if (endpoint === undefined) {
    // Where its overlay lies is that host's affair and changes nothing in its address.
    const member = memberSpecOf(spec, { host, name, overlayFolder: "" });
    endpoint = member.ok ? member.value.endpoint : null;
    known.set(key, endpoint);
  }
  return endpoint;
}
