import type { Prng } from "../base/prng.ts";
import type { HostId } from "../model/ids.ts";

/** Worlds of up to so many hosts are a full mesh: what is hunted there are faults, not costs. */
const meshHostsMax = 32;
/** Neighbours that each host dials; as many dial it (agent/transport/neighbours.ts). */
const dialledNeighbours = 3;
/** Unreachable hosts that are kept being dialled, since a partition heals only by that. */
const unreachableMax = 6;
/** Above so many hosts a host knows a part of the others, so that its neighbours must change. */
const rotatingHostsMin = 257;
/** One of the dialled neighbours gives way to another this often, ms. */
const rotationMs = 25_000;

export interface NeighboursOptions {
  readonly prng: Prng;
  /** Hosts that the world will have. */
  readonly hostCount: number;
  readonly reachable: (from: HostId, to: HostId) => boolean;
}

interface Wanted {
  hosts: readonly HostId[];
  rotateAtMs: number;
}

/**
 * Whom each host wants a stream to: everybody in a small world, else a few at random, which makes a
 * random, nearly regular graph; in a large world one of them changes now and then.
 */
export class Neighbours {
  readonly #options: NeighboursOptions;
  readonly #joined: HostId[] = [];
  readonly #wanted = new Map<HostId, Wanted>();

  constructor(options: NeighboursOptions) {
    this.#options = options;
  }

  get isMesh(): boolean {
    return this.#options.hostCount <= meshHostsMax;
  }

  join(host: HostId): void {
    this.#joined.push(host);
  }

  leave(host: HostId): void {
    this.#joined.splice(this.#joined.indexOf(host), 1);
    this.#wanted.delete(host);
  }

  /** Whom `host` dials where there is no mesh. */
  wanted(host: HostId, nowMs: number): readonly HostId[] {
    let wanted = this.#wanted.get(host);
    if (!wanted) {
      wanted = { hosts: [], rotateAtMs: nowMs + this.#options.prng.nextShare() * rotationMs };
      this.#wanted.set(host, wanted);
    }
    const isDue = nowMs >= wanted.rotateAtMs && this.#options.hostCount >= rotatingHostsMin;
    if (isDue) wanted.rotateAtMs = nowMs + rotationMs;
    wanted.hosts = this.#chosen(host, isDue ? wanted.hosts.slice(1) : wanted.hosts);
    return wanted.hosts;
  }

  /** The reachable of those before, filled up at random, and a few that cannot be reached now. */
  #chosen(host: HostId, before: readonly HostId[]): readonly HostId[] {
    const { prng, reachable } = this.#options;
    const isReachable = before.map((peer) => reachable(host, peer));
    if (isReachable.length === dialledNeighbours && !isReachable.includes(false)) return before;
    const there = before.filter((_, index) => isReachable[index]).slice(0, dialledNeighbours);
    const away = before.filter((_, index) => !isReachable[index]).slice(-unreachableMax);
    // A world of the dead would be searched for ever.
    for (let tries = 0; tries < 16 && there.length < dialledNeighbours; tries += 1) {
      const peer = prng.pick(this.#joined);
      if (peer === undefined || peer === host || there.includes(peer)) continue;
      if (reachable(host, peer)) there.push(peer);
    }
    return [...away, ...there];
  }
}
