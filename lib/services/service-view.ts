import type { HostId } from "../model/ids.ts";
import type { ServiceSpec } from "../model/service.ts";
import { counts, type MemberEntry } from "./member-entry.ts";
import { rendezvousOrder } from "./rendezvous.ts";
import { stagedHosts } from "./staging.ts";

/** What must be known of a live host to choose where a member runs. */
export interface HostStanding {
  readonly host: HostId;
  /** It is being emptied: nothing is resumed there. */
  readonly draining: boolean;
  /** Projected, the fuller of CPU and memory; 1 is full. */
  readonly utilisation: number;
  /** Capacity less what is projected to be used. */
  readonly freeMemoryBytes: number;
}

/** One service as one host sees it. Services act on suspicion: a suspected host is not live. */
export interface ServiceView {
  readonly spec: ServiceSpec;
  readonly document: DocumentMark;
  readonly self: HostId;
  /** The live hosts, this one too. */
  readonly hosts: readonly HostStanding[];
  /** The service's members as far as they are known; those of hosts that are not live do not count. */
  readonly members: readonly MemberEntry[];
  /** Sessions that wait at the switches. */
  readonly queued: number;
}

/** Which state of the service's document is meant. */
export interface DocumentMark {
  readonly version: number;
  readonly hash: string;
}

/** A member and the live host that it is on. */
export interface PlacedMember {
  readonly entry: MemberEntry;
  readonly standing: HostStanding;
}

/** The members on live hosts. */
export function placedMembers({ hosts, members }: ServiceView): PlacedMember[] {
  const byHost = new Map(hosts.map((standing) => [standing.host, standing]));
  return members.flatMap((entry) => {
    const standing = byHost.get(entry.host);
    return standing ? [{ entry, standing }] : [];
  });
}

/**
 * Members that could be resumed now, best first: those that still drain, since they are the
 * quickest, then the coldest hosts.
 */
export function resumable(view: ServiceView): PlacedMember[] {
  const { memoryBytes } = view.spec.template;
  const rank = rankIn(view);
  return placedMembers(view)
    .filter(({ entry, standing }) => {
      if (standing.draining || entry.outdated || entry.healthy === false) return false;
      if (entry.state === "draining") return true;
      return entry.state === "suspended" && standing.freeMemoryBytes >= memoryBytes;
    })
    .sort(
      (a, b) =>
        Number(b.entry.state === "draining") - Number(a.entry.state === "draining") ||
        a.standing.utilisation - b.standing.utilisation ||
        rank(a) - rank(b),
    );
}

/** True for a member that runs where, or from what, it should not: it is replaced by another. */
export function unwelcome(view: ServiceView): (one: PlacedMember) => boolean {
  const chosen = new Set(
    stagedHosts(
      view.spec,
      view.hosts.map(({ host }) => host),
    ),
  );
  return ({ entry, standing }) =>
    counts(entry.state) && (entry.outdated || standing.draining || !chosen.has(entry.host));
}

/** Hosts that differ by less than this in utilisation are equally hot. */
const heatStep = 0.1;

/** Running members in the order in which calm suspends them: hottest host, then fewest sessions. */
export function byHeat(view: ServiceView): (a: PlacedMember, b: PlacedMember) => number {
  const rank = rankIn(view);
  const heat = ({ standing }: PlacedMember) => Math.floor(standing.utilisation / heatStep);
  const sessions = ({ entry }: PlacedMember) => entry.sessions ?? 0;
  return (a, b) => heat(b) - heat(a) || sessions(a) - sessions(b) || rank(b) - rank(a);
}

/**
 * Running members in an order that hosts agree on, whatever they know of loads: unwelcome ones (or
 * whoever stands in for them would go first), then the last in the service's order. One that could
 * not be suspended, as on a full disk, comes at the end.
 */
export function byRank(view: ServiceView): (a: PlacedMember, b: PlacedMember) => number {
  const rank = rankIn(view);
  const isUnwelcome = unwelcome(view);
  const hindered = ({ entry }: PlacedMember) => Number(entry.obstacle !== "");
  return (a, b) =>
    Number(isUnwelcome(b)) - Number(isUnwelcome(a)) ||
    hindered(a) - hindered(b) ||
    rank(b) - rank(a);
}

function rankIn({ spec, hosts }: ServiceView): (one: PlacedMember) => number {
  const order = rendezvousOrder(
    spec.name,
    hosts.map(({ host }) => host),
  );
  const ranks = new Map(order.map((host, at) => [host, at]));
  return ({ entry }) => ranks.get(entry.host) ?? 0;
}
