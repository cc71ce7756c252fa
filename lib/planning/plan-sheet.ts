import type { PlanProblem } from "./plan-problem.ts";

/** Less than this is rounding. */
export const leastGain = 1e-9;

/** What a relocation or an exchange wins that may not be made. */
const never = Number.NEGATIVE_INFINITY;

/** Where all VMs stand, as far as needed to come back to it. */
export interface PlanMark {
  readonly at: Int32Array;
  readonly used: Float64Array;
  readonly bestGain: Float64Array;
  readonly bestPlace: Int32Array;
  displaced: number;
}

/**
 * The sheet of paper that VMs are moved about on: where each stands, what each place uses, and for
 * each VM the one relocation that wins most. Gains are exact, prices included: a displaced VM costs
 * its price once, however often it is moved on paper.
 */
export class PlanSheet {
  readonly places: number;
  readonly vms: number;
  readonly home: Int32Array;
  readonly at: Int32Array;
  /** By VM: what its best relocation wins (0 for none), and to which place (-1 for none). */
  readonly bestGain: Float64Array;
  readonly bestPlace: Int32Array;
  displaced = 0;
  readonly #resources: number;
  readonly #guard: number;
  readonly #used: Float64Array;
  readonly #factor: Float64Array;
  readonly #guardMax: Float64Array;
  readonly #weight: Float64Array;
  readonly #price: Float64Array;
  readonly #may: Uint8Array;

  /** All VMs at home, and none displaced for less than `level`. */
  constructor({ places, vms, guard }: PlanProblem, level: number) {
    this.places = places.length;
    this.vms = vms.length;
    this.#resources = places[0]?.used.length ?? 0;
    this.#guard = guard;
    this.#used = Float64Array.from(places.flatMap((place) => place.used));
    this.#factor = Float64Array.from(places.flatMap((place) => place.factor));
    // Where a host is over its limit already, moves must not raise it further.
    this.#guardMax = Float64Array.from(places, (place) =>
      Math.max(place.guardMax, place.used[guard] ?? 0),
    );
    this.#weight = Float64Array.from(vms.flatMap((vm) => vm.weight));
    this.#price = Float64Array.from(vms, (vm) => Math.max(level, vm.price));
    this.home = Int32Array.from(vms, (vm) => vm.home);
    this.at = Int32Array.from(this.home);
    this.#may = mayGoTable({ places, vms, guard });
    this.bestGain = new Float64Array(vms.length);
    this.bestPlace = new Int32Array(vms.length);
    for (let vm = 0; vm < this.vms; vm++) this.#rankRow(vm);
  }

  newMark(): PlanMark {
    return {
      at: Int32Array.from(this.at),
      used: Float64Array.from(this.#used),
      bestGain: Float64Array.from(this.bestGain),
      bestPlace: Int32Array.from(this.bestPlace),
      displaced: this.displaced,
    };
  }

  keep(mark: PlanMark): void {
    mark.at.set(this.at);
    mark.used.set(this.#used);
    mark.bestGain.set(this.bestGain);
    mark.bestPlace.set(this.bestPlace);
    mark.displaced = this.displaced;
  }

  comeBack(mark: PlanMark): void {
    this.at.set(mark.at);
    this.#used.set(mark.used);
    this.bestGain.set(mark.bestGain);
    this.bestPlace.set(mark.bestPlace);
    this.displaced = mark.displaced;
  }

  isHome(vm: number): boolean {
    return this.at[vm] === this.home[vm];
  }

  relocate(vm: number, to: number): void {
    const from = this.at[vm] as number;
    this.#put(vm, to);
    this.#rankAfter(from, to);
  }

  /** Two VMs change places. */
  exchange(a: number, b: number): void {
    const here = this.at[a] as number;
    const there = this.at[b] as number;
    this.#put(a, there);
    this.#put(b, here);
    this.#rankAfter(here, there);
  }

  /** What putting the VM there wins, below 0 when it loses; -Infinity where it may not stand. */
  relocateGain(vm: number, to: number): number {
    if (to === this.at[vm] || this.#may[vm * this.places + to] === 0) return never;
    const used = this.#used[to * this.#resources + this.#guard] as number;
    const more = this.#weight[vm * this.#resources + this.#guard] as number;
    if (used + more > (this.#guardMax[to] as number)) return never;
    return this.#gainAt(vm, to);
  }

  exchangeGain(a: number, b: number): number {
    const resources = this.#resources;
    const here = this.at[a] as number;
    const there = this.at[b] as number;
    if (this.#may[a * this.places + there] === 0 || this.#may[b * this.places + here] === 0) {
      return never;
    }
    let gain = this.#priceOf(a, here) + this.#priceOf(b, there);
    gain -= this.#priceOf(a, there) + this.#priceOf(b, here);
    for (let r = 0; r < resources; r++) {
      const w =
        (this.#weight[a * resources + r] as number) - (this.#weight[b * resources + r] as number);
      const s = here * resources + r;
      const t = there * resources + r;
      const usedHere = this.#used[s] as number;
      const usedThere = this.#used[t] as number;
      if (r === this.#guard) {
        if (usedThere + w > (this.#guardMax[there] as number)) return never;
        if (usedHere - w > (this.#guardMax[here] as number)) return never;
      }
      gain += (this.#factor[s] as number) * w * (2 * usedHere - w);
      gain -= (this.#factor[t] as number) * w * (2 * usedThere + w);
    }
    return gain;
  }

  #gainAt(vm: number, to: number): number {
    const resources = this.#resources;
    const from = this.at[vm] as number;
    let gain = this.#priceOf(vm, from) - this.#priceOf(vm, to);
    for (let r = 0; r < resources; r++) {
      const w = this.#weight[vm * resources + r] as number;
      const [s, t] = [from * resources + r, to * resources + r];
      gain += (this.#factor[s] as number) * w * (2 * (this.#used[s] as number) - w);
      gain -= (this.#factor[t] as number) * w * (2 * (this.#used[t] as number) + w);
    }
    return gain;
  }

  #priceOf(vm: number, place: number): number {
    return place === this.home[vm] ? 0 : (this.#price[vm] as number);
  }

  #put(vm: number, to: number): void {
    const from = this.at[vm] as number;
    for (let r = 0; r < this.#resources; r++) {
      const weight = this.#weight[vm * this.#resources + r] as number;
      (this.#used[from * this.#resources + r] as number) -= weight;
      (this.#used[to * this.#resources + r] as number) += weight;
    }
    this.displaced += Number(to !== this.home[vm]) - Number(from !== this.home[vm]);
    this.at[vm] = to;
  }

  /** After a change at two places: their own VMs are ranked anew, the others for these two only. */
  #rankAfter(a: number, b: number): void {
    for (let vm = 0; vm < this.vms; vm++) {
      const at = this.at[vm];
      const best = this.bestPlace[vm];
      if (at === a || at === b || best === a || best === b) {
        this.#rankRow(vm);
        continue;
      }
      this.#rankFor(vm, a);
      this.#rankFor(vm, b);
    }
  }

  #rankRow(vm: number): void {
    this.bestGain[vm] = 0;
    this.bestPlace[vm] = -1;
    for (let place = 0; place < this.places; place++) this.#rankFor(vm, place);
  }

  #rankFor(vm: number, place: number): void {
    if (place === this.at[vm] || this.#may[vm * this.places + place] === 0) return;
    const gain = this.#gainAt(vm, place);
    if (gain <= (this.bestGain[vm] as number)) return;
    if (this.relocateGain(vm, place) === never) return;
    this.bestGain[vm] = gain;
    this.bestPlace[vm] = place;
  }
}

function mayGoTable({ places, vms }: PlanProblem): Uint8Array {
  const may = new Uint8Array(vms.length * places.length);
  for (const [index, vm] of vms.entries()) {
    for (let place = 0; place < places.length; place++) {
      may[index * places.length + place] = place === vm.home || vm.mayGo(place) ? 1 : 0;
    }
  }
  return may;
}
