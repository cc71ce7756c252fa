import { at, type Standing } from "./standing.ts";

export interface BestTarget {
  readonly host: number;
  readonly rise: number;
  /** The best there is had no room: this one was found among those that have. */
  readonly isSecondChoice: boolean;
}

/**
 * Which of many hosts a VM would raise least, without looking at each of them. Among hosts of one
 * size the rise is linear in what they carry, so the least is at a corner of the lower left hull of
 * (CPU, memory): some ten points of thousands. Hosts can be taken out; of one whose load has changed the
 * index must be told.
 */
export class TargetIndex {
  readonly #standing: Standing;
  readonly #groups: readonly SizeGroup[];
  readonly #groupOf = new Map<number, SizeGroup>();

  /** `hosts`: those that may take a VM. */
  constructor(standing: Standing, hosts: readonly number[]) {
    this.#standing = standing;
    const bySize = new Map<string, number[]>();
    for (const host of hosts) {
      const size = `${at(standing.cpuFactor, host)}/${at(standing.memoryFactor, host)}`;
      const members = bySize.get(size);
      if (members === undefined) bySize.set(size, [host]);
      else members.push(host);
    }
    this.#groups = [...bySize.values()].map((members) => {
      const group = new SizeGroup(standing, members);
      for (const host of members) this.#groupOf.set(host, group);
      return group;
    });
  }

  /** The host with room that `vm` would raise least; undefined when none has room. */
  best(vm: number): BestTarget | undefined {
    let best: BestTarget | undefined;
    let isSecondChoice = false;
    for (const group of this.#groups) {
      const found = group.best(vm);
      isSecondChoice ||= found.isSecondChoice;
      if (found.host === undefined) continue;
      const rise = this.#standing.riseOf(vm, found.host);
      if (best === undefined || rise < best.rise) best = { host: found.host, rise, isSecondChoice };
    }
    return best && { ...best, isSecondChoice };
  }

  remove(host: number): void {
    this.#groupOf.get(host)?.remove(host);
  }

  /** What `host` carries has changed. */
  changed(host: number): void {
    this.#groupOf.get(host)?.changed(host);
  }

  /** Whether some VM would raise `host` least, room left aside. */
  isCorner(host: number): boolean {
    return this.#groupOf.get(host)?.isCorner(host) ?? false;
  }
}

/** Hosts of one size. */
class SizeGroup {
  readonly #standing: Standing;
  /** By CPU in use, least first; `#removed` ones stay in until the hull is made again. */
  #members: number[];
  readonly #removed = new Set<number>();
  #hull: readonly number[] | undefined;

  constructor(standing: Standing, hosts: readonly number[]) {
    this.#standing = standing;
    this.#members = [...hosts].sort((a, b) => this.#order(a, b));
  }

  best(vm: number): { readonly host: number | undefined; readonly isSecondChoice: boolean } {
    this.#hull ??= this.#makeHull();
    const corner = this.#leastOf(this.#hull, vm, () => true);
    if (corner === undefined || this.#standing.fits(vm, corner)) {
      return { host: corner, isSecondChoice: false };
    }
    // A corner without room says nothing of the others: look at them all.
    const fits = (host: number) => this.#standing.fits(vm, host);
    return { host: this.#leastOf(this.#members, vm, fits), isSecondChoice: true };
  }

  remove(host: number): void {
    this.#removed.add(host);
    if (this.#hull?.includes(host)) this.#hull = undefined;
  }

  changed(host: number): void {
    const held = this.#members.indexOf(host);
    if (held < 0) return;
    this.#members.splice(held, 1);
    let low = 0;
    let high = this.#members.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#order(this.#members[middle] ?? 0, host) < 0) low = middle + 1;
      else high = middle;
    }
    this.#members.splice(low, 0, host);
    this.#hull = undefined;
  }

  isCorner(host: number): boolean {
    this.#hull ??= this.#makeHull();
    return this.#hull.includes(host);
  }

  #order(a: number, b: number): number {
    const { cpuCores, memoryBytes } = this.#standing;
    return at(cpuCores, a) - at(cpuCores, b) || at(memoryBytes, a) - at(memoryBytes, b) || a - b;
  }

  #leastOf(hosts: readonly number[], vm: number, mayTake: (host: number) => boolean) {
    let best: number | undefined;
    let least = Number.POSITIVE_INFINITY;
    for (const host of hosts) {
      const rise = this.#standing.riseOf(vm, host);
      if (rise >= least || this.#removed.has(host) || !mayTake(host)) continue;
      best = host;
      least = rise;
    }
    return best;
  }

  /** Lower left hull from the least CPU to the least memory (Andrew's monotone chain). */
  #makeHull(): readonly number[] {
    this.#members = this.#members.filter((host) => !this.#removed.has(host));
    const { memoryBytes } = this.#standing;
    const hull: number[] = [];
    let leastMemory = Number.POSITIVE_INFINITY;
    for (const host of this.#members) {
      // More CPU and no less memory than one before: never the least.
      if (at(memoryBytes, host) >= leastMemory) continue;
      leastMemory = at(memoryBytes, host);
      while (hull.length >= 2 && !this.#turnsLeft(hull.at(-2) ?? 0, hull.at(-1) ?? 0, host)) {
        hull.pop();
      }
      hull.push(host);
    }
    return hull;
  }

  #turnsLeft(a: number, b: number, c: number): boolean {
    const { cpuCores, memoryBytes } = this.#standing;
    const alongCpu = at(cpuCores, b) - at(cpuCores, a);
    const alongMemory = at(memoryBytes, b) - at(memoryBytes, a);
    const nextCpu = at(cpuCores, c) - at(cpuCores, a);
    const nextMemory = at(memoryBytes, c) - at(memoryBytes, a);
    return alongCpu * nextMemory - alongMemory * nextCpu > 0;
  }
}
