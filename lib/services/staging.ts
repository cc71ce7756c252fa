import { compareText } from "../base/ordered.ts";
import { hashText } from "../base/prng.ts";
import type { HostId } from "../model/ids.ts";
import type { ServiceSpec } from "../model/service.ts";
import { counts, type MemberEntry } from "./member-entry.ts";
import type { ServiceParams } from "./params.ts";
import { rendezvousOrder } from "./rendezvous.ts";

type StagedService = Pick<ServiceSpec, "name" | "stagedMax">;

/**
 * The hosts that should have a member: all of them, or the first `stagedMax` of the service's order,
 * so that every host finds the same ones, and a host that comes or goes changes one of them at most.
 * `hosts` are those that are not dead: a suspicion is no reason to fill a disk.
 */
export function stagedHosts({ name, stagedMax }: StagedService, hosts: Iterable<HostId>): HostId[] {
  return stagedMax === null ? [...hosts] : rendezvousOrder(name, hosts).slice(0, stagedMax);
}

export interface KeepingOptions {
  readonly self: HostId;
  readonly hosts: readonly HostId[];
  /** The service's members as far as they are known, the own one too. */
  readonly members: readonly MemberEntry[];
}

/**
 * True when this host should have a member. One that is displaced by a host that came stays for as
 * long as it runs (the steward suspends it), and until those that should be staged can all serve.
 */
export function keepsMember(service: StagedService, options: KeepingOptions): boolean {
  const { self, hosts, members } = options;
  const chosen = stagedHosts(service, hosts);
  if (chosen.includes(self)) return true;
  const usable = members.filter(({ state }) => counts(state) || state === "suspended");
  const own = usable.find(({ host }) => host === self);
  if (own === undefined) return false;
  const ready = new Set(usable.map(({ host }) => host));
  return counts(own.state) || chosen.some((host) => !ready.has(host));
}

/**
 * The members that may be staged now, of all services: few in the cluster, one a host, and of those
 * that must be staged anew one a service, so that the others of the service can still be resumed or
 * come next. Waiting ones have their turn in the order of a hash: hosts that know the same choose
 * the same.
 */
export function stagingTurns(
  members: readonly MemberEntry[],
  { stagingsMax }: Pick<ServiceParams, "stagingsMax">,
): MemberEntry[] {
  const under = members.filter(({ state }) => state === "staging");
  const busyHosts = new Set(under.map(({ host }) => host));
  const busyServices = new Set(under.map(({ service }) => service));
  const turns: MemberEntry[] = [];
  if (under.length >= stagingsMax) return turns;
  for (const one of waitingOf(members)) {
    if (under.length + turns.length >= stagingsMax) break;
    if (busyHosts.has(one.host)) continue;
    if (one.state === "stale" && busyServices.has(one.service)) continue;
    busyHosts.add(one.host);
    busyServices.add(one.service);
    turns.push(one);
  }
  return turns;
}

interface Waiting {
  readonly one: MemberEntry;
  readonly name: string;
  readonly hash: number;
}

/** In their order: what never was staged comes before what is staged anew. */
function waitingOf(members: readonly MemberEntry[]): MemberEntry[] {
  // One hash each, and not two for each comparison: there may be tens of thousands.
  return members
    .filter(({ waiting }) => waiting)
    .map((one): Waiting => {
      const name = `${one.service}/${one.host}`;
      return { one, name, hash: hashText(name) };
    })
    .sort(compareTurns)
    .map(({ one }) => one);
}

function compareTurns(a: Waiting, b: Waiting): number {
  return (
    Number(a.one.state === "stale") - Number(b.one.state === "stale") ||
    a.hash - b.hash ||
    compareText(a.name, b.name)
  );
}
