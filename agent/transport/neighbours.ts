import { compareText } from "#lib/base/ordered.ts";
import { hashText } from "#lib/base/prng.ts";
import type { HostId } from "#lib/model/ids.ts";

/** Up to this many other members everybody is connected to everybody. */
const FULL_MESH_OTHERS_MAX = 7;
/** Neighbours that each host dials; as many dial it, so that it has about six. */
const DIALLED_NEIGHBOURS = 3;
/** Unreachable hosts that are kept being dialled instead of giving way to others for good. */
const UNREACHABLE_NEIGHBOURS_MAX = 6;

/** With so many others a host is up to date about a part of them only (lib/view/params.ts). */
const ROTATING_OTHERS_MIN = 256;
/** One of the dialled neighbours gives way to another this often, so that those parts mix. */
const ROTATION_MS = 25_000;

/**
 * The other hosts in the order in which `self` would have them as neighbours: random, and the same
 * each time, so that connections stay when members come and go.
 */
export function rankedNeighbours(self: HostId, hosts: readonly HostId[]): readonly HostId[] {
  return hosts
    .filter((host) => host !== self)
    .map((host) => ({ host, rank: hashText(`${self}>${host}`) }))
    .sort((a, b) => a.rank - b.rank || compareText(a.host, b.host))
    .map(({ host }) => host);
}

/**
 * The ranking as it holds at `nowMs`: in a large cluster it begins one further on now and then, so
 * that one neighbour is replaced and the others stay.
 */
export function turnedRanking(ranked: readonly HostId[], nowMs: number): readonly HostId[] {
  if (ranked.length < ROTATING_OTHERS_MIN) return ranked;
  const first = Math.floor(nowMs / ROTATION_MS) % ranked.length;
  return [...ranked.slice(first), ...ranked.slice(0, first)];
}

/**
 * The hosts that are to be dialled: all of a few, else the best ranked reachable ones, and the
 * unreachable ones ranked above them, since a partition heals only when somebody keeps trying.
 */
export function wantedNeighbours(
  ranked: readonly HostId[],
  isUnreachable: (host: HostId) => boolean,
): readonly HostId[] {
  if (ranked.length <= FULL_MESH_OTHERS_MAX) return ranked;
  const wanted: HostId[] = [];
  let reachable = 0;
  let unreachable = 0;
  for (const host of ranked) {
    if (reachable === DIALLED_NEIGHBOURS) break;
    if (!isUnreachable(host)) reachable += 1;
    else if (unreachable < UNREACHABLE_NEIGHBOURS_MAX) unreachable += 1;
    else continue;
    wanted.push(host);
  }
  return wanted;
}
