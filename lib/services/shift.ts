import type { HostId } from "../model/ids.ts";
import { serves } from "./member-entry.ts";
import { type PlacedMember, placedMembers, resumable, type ServiceView } from "./service-view.ts";

/** One way to take a member off its host: resumed at `to`, then suspended at `from`. */
export interface ShiftPair {
  readonly service: string;
  readonly from: HostId;
  readonly to: HostId;
  /** Why it cannot be resumed there now, in words that follow the host's name; null when it can. */
  readonly refusal: string | null;
}

/**
 * The shifts that there are for this host's running member of the service: first those that could be
 * made, coldest target first, then the others with what is in the way; at most `pairsMax`. A member
 * never migrates (DESIGN 7); whether a shift is worth its price, and which, is planning's affair, and
 * the steward carries it out.
 */
export function shiftPairs(view: ServiceView, from: HostId, pairsMax: number): ShiftPair[] {
  const placed = placedMembers(view);
  const own = placed.find(({ entry }) => entry.host === from);
  if (!own || !serves(own.entry)) return [];
  const able = resumable(view);
  const barred = placed.filter((one) => one !== own && !able.some((other) => isSame(one, other)));
  const pair = (to: HostId, refusal: string | null) => ({
    service: view.spec.name,
    from,
    to,
    refusal,
  });
  return [
    ...able.map(({ entry }) => pair(entry.host, null)),
    ...barred.map((one) => pair(one.entry.host, obstacleOf(one, view))),
  ].slice(0, pairsMax);
}

/** Why a shift that was asked for cannot be made, in words; null when it can. */
export function shiftRefusal(
  { from, to }: Pick<ShiftPair, "from" | "to">,
  view: ServiceView,
): string | null {
  const own = view.members.find(({ host }) => host === from);
  if (own?.state !== "running") {
    return `knows of a member that is ${own?.state ?? "absent"} there, not running`;
  }
  if (!serves(own)) return "knows of a member there that fails its health check";
  const target = placedMembers(view).find(({ entry }) => entry.host === to);
  if (!target) return `knows of no member on ${to}`;
  return resumable(view).some((one) => isSame(one, target))
    ? null
    : `${to} ${obstacleOf(target, view)}`;
}

function isSame(one: PlacedMember, other: PlacedMember): boolean {
  return one.entry.host === other.entry.host;
}

function obstacleOf({ entry, standing }: PlacedMember, { spec }: ServiceView): string {
  if (standing.draining) return "is draining";
  if (entry.healthy === false) return "has a member that failed its health check";
  if (entry.outdated) return "has a member of an older template";
  if (entry.state !== "suspended") return `has a member that is ${entry.state}, not suspended`;
  const { memoryBytes } = spec.template;
  return `has ${mib(standing.freeMemoryBytes)} MiB free, the member needs ${mib(memoryBytes)}`;
}

function mib(bytes: number): number {
  return Math.floor(bytes / 2 ** 20);
}
