import { compareText } from "../base/ordered.ts";
import { hashText } from "../base/prng.ts";
import type { HostId } from "../model/ids.ts";

/**
 * The hosts in the order of their hash with `key`, highest first (rendezvous or highest-random-weight
 * hashing; Thaler and Ravishankar 1998). Every host computes the same order, and a host that comes
 * or goes changes nothing in the order of the others.
 */
export function rendezvousOrder(key: string, hosts: Iterable<HostId>): HostId[] {
  return [...hosts]
    .map((host) => ({ host, weight: weightOf(key, host) }))
    .sort(compareWeights)
    .map(({ host }) => host);
}

/**
 * The service's steward: the first of the live hosts in its order (DESIGN 7). A duty, not a
 * controller: it only proposes. Undefined when there is no host.
 */
export function stewardOf(service: string, live: Iterable<HostId>): HostId | undefined {
  let first: { host: HostId; weight: number } | undefined;
  for (const host of live) {
    const one = { host, weight: weightOf(service, host) };
    if (first === undefined || compareWeights(one, first) < 0) first = one;
  }
  return first?.host;
}

function weightOf(key: string, host: HostId): number {
  return hashText(`${key}/${host}`);
}

function compareWeights(
  a: { readonly host: HostId; readonly weight: number },
  b: { readonly host: HostId; readonly weight: number },
): number {
  return b.weight - a.weight || compareText(a.host, b.host);
}
