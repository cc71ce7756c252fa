import { compareText } from "../base/ordered.ts";
import { hashText } from "../base/prng.ts";
import type { HostId } from "../model/ids.ts";

interface Ranked {
  readonly host: HostId;
  readonly weight: number;
}

/** The first hosts for one key; `hosts` is made when somebody asks. */
interface Top {
  readonly count: number;
  readonly ranked: Ranked[];
  hosts: readonly HostId[] | null;
}

/** More keys than there are services and other uses: then those of old ones are forgotten. */
const keysMax = 512;

/**
 * Hosts in the order of their hash with a key, highest first (rendezvous or highest-random-weight
 * hashing; Thaler and Ravishankar 1998). Every host computes the same order, and a host that comes
 * or goes changes nothing in the order of the others. Each host's id is hashed once: with a hundred
 * services and a thousand hosts a hash for each pair of texts would take tens of milliseconds. For
 * the same reason what was found for a key is kept up as hosts come and go.
 */
export class HostRanking {
  readonly #hosts: HostId[] = [];
  readonly #hashes: number[] = [];
  readonly #places = new Map<HostId, number>();
  readonly #tops = new Map<string, Top>();

  constructor(hosts: Iterable<HostId>) {
    for (const host of hosts) this.add(host);
  }

  /** As they came, until one is removed. */
  get hosts(): readonly HostId[] {
    return this.#hosts;
  }

  add(host: HostId): void {
    if (this.#places.has(host)) return;
    const hash = hashText(host);
    this.#places.set(host, this.#hosts.length);
    this.#hosts.push(host);
    this.#hashes.push(hash);
    for (const [key, top] of this.#tops) {
      const one = { host, weight: mix(hashText(key), hash) };
      if (insert(one, top.ranked, top.count)) top.hosts = null;
    }
  }

  remove(host: HostId): void {
    const place = this.#places.get(host);
    if (place === undefined) return;
    this.#places.delete(host);
    const [last = host, lastHash = 0] = [this.#hosts.pop(), this.#hashes.pop()];
    if (last !== host) {
      this.#hosts[place] = last;
      this.#hashes[place] = lastHash;
      this.#places.set(last, place);
    }
    for (const [key, { ranked }] of this.#tops) {
      if (ranked.some((one) => one.host === host)) this.#tops.delete(key);
    }
  }

  /** Undefined when there is no host. */
  first(key: string): HostId | undefined {
    return this.top(key, 1)[0];
  }

  /** The first `count` for this key, in order; found once, and kept. */
  top(key: string, count: number): readonly HostId[] {
    let known = this.#tops.get(key);
    if (!known || (known.count < count && known.ranked.length < this.#hosts.length)) {
      known = { count, ranked: this.#best(hashText(key), count), hosts: null };
      if (this.#tops.size >= keysMax) this.#tops.clear();
      this.#tops.set(key, known);
    }
    known.hosts ??= known.ranked.map(({ host }) => host);
    return known.hosts.length <= count ? known.hosts : known.hosts.slice(0, count);
  }

  #best(keyHash: number, count: number): Ranked[] {
    const all = this.#hashes.length <= count;
    const best: Ranked[] = [];
    for (const [index, host] of this.#hosts.entries()) {
      const one = { host, weight: mix(keyHash, this.#hashes[index] ?? 0) };
      if (all) best.push(one);
      else insert(one, best, count);
    }
    return all ? best.sort(compareWeights) : best;
  }
}

/** The hosts in the order of their hash with `key`, highest first. */
export function rendezvousOrder(key: string, hosts: Iterable<HostId>): HostId[] {
  const ranking = new HostRanking(hosts);
  return [...ranking.top(key, ranking.hosts.length)];
}

/**
 * The service's steward: the first of the live hosts in its order (DESIGN 7). A duty, not a
 * controller: it only proposes. Undefined when there is no host.
 */
export function stewardOf(service: string, live: Iterable<HostId>): HostId | undefined {
  return new HostRanking(live).first(service);
}

/** Keeps the `count` best in order: most hosts are no match for the last of them, false. */
function insert(one: Ranked, best: Ranked[], count: number): boolean {
  const last = best[count - 1];
  if (count === 0 || (last && compareWeights(one, last) > 0)) return false;
  let place = Math.min(best.length, count - 1);
  best.length = place + 1;
  for (; place > 0; place -= 1) {
    const before = best[place - 1];
    if (!before || compareWeights(before, one) <= 0) break;
    best[place] = before;
  }
  best[place] = one;
  return true;
}

/** One weight of two hashes: murmur3's finalizer, so that no two keys order the hosts alike. */
function mix(key: number, host: number): number {
  let hash = (Math.imul(key, 0x9e3779b1) + host) | 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function compareWeights(a: Ranked, b: Ranked): number {
  return b.weight - a.weight || compareText(a.host, b.host);
}
