/**
 * Which VMs of a few hosts should go where, all together: a local search over whole placements.
 *
 * Looking at one move at a time makes more moves than are needed: two hosts fill the same hole with
 * VMs that fit it badly, and a third move mends it. The search moves VMs about on paper, back home
 * as well, until no relocation and no exchange of two VMs makes the placement better; what then
 * stands elsewhere is the plan. A displaced VM costs its price once, however often it was moved on
 * paper. Every host searches for itself, over its own sample: those with the same view find the
 * same plan.
 */

/** One host on paper: what it uses of each resource, and how much one unit² of that weighs. */
export interface PlanPlace {
  /** Projected use by resource, in the resource's own unit. */
  readonly used: readonly number[];
  /** Weight of used² in the potential, by resource: weight / (capacity x mean capacity). */
  readonly factor: readonly number[];
  /** Most that the guarded resource (memory) may reach by moves. */
  readonly guardMax: number;
}

/** One VM on paper. */
export interface PlanVm {
  /** Index of the place where it is. */
  readonly home: number;
  /** What it uses by resource. */
  readonly weight: readonly number[];
  /** What a plan that displaces it must win for that, in units of the potential. */
  readonly price: number;
  /** Whether it may be put there; its home is never asked for. */
  readonly mayGo: (place: number) => boolean;
}

export interface PlanProblem {
  readonly places: readonly PlanPlace[];
  readonly vms: readonly PlanVm[];
  /** Index of the resource that must fit: memory. */
  readonly guard: number;
}

/** Steps on paper are bounded: a search that goes on for longer gains next to nothing. */
const stepsPerVm = 4;
/** Less than this is rounding. */
const least = 1e-9;

/** The level of a plan is raised in so many halvings of its range until few enough VMs move. */
const levelSteps = 9;
/** Above this no move is worth its price: one host from 100 % to 0. */
const levelMax = 1;

export interface PlanLimits {
  /** What each displaced VM must win at least, if that is more than its price. */
  readonly level?: number;
  /** VMs that may be displaced; the plan then has the moves that win most. */
  readonly movesMax?: number | undefined;
}

/** The place of each VM in the best placement that the search finds. */
export function searchPlan(problem: PlanProblem, limits: PlanLimits = {}): readonly number[] {
  const { level = 0, movesMax = Number.POSITIVE_INFINITY } = limits;
  const search = new PlanSearch(problem);
  const plan = search.run(level);
  if (displaced(problem, plan) <= movesMax) return plan;
  return planWithin(search, problem, { level, movesMax });
}

/** The least level, by bisection on a scale of ratios, at which the plan has few enough moves. */
function planWithin(
  search: PlanSearch,
  problem: PlanProblem,
  { level, movesMax }: { readonly level: number; readonly movesMax: number },
): readonly number[] {
  let low = Math.max(level, least);
  let high = levelMax;
  let best: readonly number[] = problem.vms.map((vm) => vm.home);
  for (let step = 0; step < levelSteps; step++) {
    const middle = Math.sqrt(low * high);
    const plan = search.run(middle);
    if (displaced(problem, plan) > movesMax) low = middle;
    else {
      high = middle;
      best = plan;
    }
  }
  return best;
}

function displaced({ vms }: PlanProblem, plan: readonly number[]): number {
  return vms.filter((vm, index) => plan[index] !== vm.home).length;
}

class PlanSearch {
  readonly #places: number;
  readonly #vms: number;
  readonly #resources: number;
  readonly #guard: number;
  readonly #usedAtHome: Float64Array;
  readonly #used: Float64Array;
  readonly #factor: Float64Array;
  readonly #guardMax: Float64Array;
  readonly #weight: Float64Array;
  readonly #ownPrice: Float64Array;
  readonly #price: Float64Array;
  readonly #home: Int32Array;
  readonly #at: Int32Array;
  readonly #may: Uint8Array;
  readonly #bestGain: Float64Array;
  readonly #bestPlace: Int32Array;

  constructor({ places, vms, guard }: PlanProblem) {
    const resources = places[0]?.used.length ?? 0;
    this.#places = places.length;
    this.#vms = vms.length;
    this.#resources = resources;
    this.#guard = guard;
    this.#usedAtHome = Float64Array.from(places.flatMap((place) => place.used));
    this.#used = Float64Array.from(this.#usedAtHome);
    this.#factor = Float64Array.from(places.flatMap((place) => place.factor));
    // Where a host is over its limit already, moves must not raise it further.
    this.#guardMax = Float64Array.from(places, (place) =>
      Math.max(place.guardMax, place.used[guard] ?? 0),
    );
    this.#weight = Float64Array.from(vms.flatMap((vm) => vm.weight));
    this.#ownPrice = Float64Array.from(vms, (vm) => vm.price);
    this.#price = Float64Array.from(this.#ownPrice);
    this.#home = Int32Array.from(vms, (vm) => vm.home);
    this.#at = Int32Array.from(this.#home);
    this.#may = new Uint8Array(vms.length * places.length);
    for (const [index, vm] of vms.entries()) {
      for (let place = 0; place < places.length; place++) {
        const may = place === vm.home || vm.mayGo(place);
        this.#may[index * places.length + place] = may ? 1 : 0;
      }
    }
    this.#bestGain = new Float64Array(vms.length);
    this.#bestPlace = new Int32Array(vms.length);
  }

  /** Starts from home each time. */
  run(level: number): number[] {
    this.#used.set(this.#usedAtHome);
    this.#at.set(this.#home);
    for (let vm = 0; vm < this.#vms; vm++) {
      this.#price[vm] = Math.max(level, this.#ownPrice[vm] as number);
    }
    for (let vm = 0; vm < this.#vms; vm++) this.#rankRow(vm);
    for (let steps = stepsPerVm * this.#vms; steps > 0; steps--) {
      if (!this.#relocateBest() && !this.#exchangeBest()) break;
    }
    return [...this.#at];
  }

  #relocateBest(): boolean {
    let best = -1;
    let gain = least;
    for (let vm = 0; vm < this.#vms; vm++) {
      const one = this.#bestGain[vm] as number;
      if (one > gain) {
        gain = one;
        best = vm;
      }
    }
    if (best < 0) return false;
    const from = this.#at[best] as number;
    const to = this.#bestPlace[best] as number;
    this.#put(best, to);
    this.#rankAfter(from, to);
    return true;
  }

  /** Two VMs change places, at least one of them displaced: other pairs cost two prices at once. */
  #exchangeBest(): boolean {
    let gain = least;
    let first = -1;
    let second = -1;
    for (let a = 0; a < this.#vms; a++) {
      if (this.#at[a] === this.#home[a]) continue;
      for (let b = 0; b < this.#vms; b++) {
        if (this.#at[b] === this.#at[a]) continue;
        const one = this.#exchangeGain(a, b);
        if (one > gain) {
          gain = one;
          first = a;
          second = b;
        }
      }
    }
    if (first < 0) return false;
    const here = this.#at[first] as number;
    const there = this.#at[second] as number;
    this.#put(first, there);
    this.#put(second, here);
    this.#rankAfter(here, there);
    return true;
  }

  #put(vm: number, to: number): void {
    const from = this.#at[vm] as number;
    for (let r = 0; r < this.#resources; r++) {
      const weight = this.#weight[vm * this.#resources + r] as number;
      (this.#used[from * this.#resources + r] as number) -= weight;
      (this.#used[to * this.#resources + r] as number) += weight;
    }
    this.#at[vm] = to;
  }

  /** After a change at two places: their own VMs are ranked anew, the others for these two only. */
  #rankAfter(a: number, b: number): void {
    for (let vm = 0; vm < this.#vms; vm++) {
      const at = this.#at[vm];
      const best = this.#bestPlace[vm];
      if (at === a || at === b || best === a || best === b) {
        this.#rankRow(vm);
        continue;
      }
      this.#rankFor(vm, a);
      this.#rankFor(vm, b);
    }
  }

  #rankRow(vm: number): void {
    this.#bestGain[vm] = 0;
    this.#bestPlace[vm] = -1;
    for (let place = 0; place < this.#places; place++) this.#rankFor(vm, place);
  }

  #rankFor(vm: number, place: number): void {
    if (place === this.#at[vm] || this.#may[vm * this.#places + place] === 0) return;
    const gain = this.#relocateGain(vm, place);
    if (gain <= (this.#bestGain[vm] as number)) return;
    const guard = this.#guard;
    const weight = this.#weight[vm * this.#resources + guard] as number;
    const used = this.#used[place * this.#resources + guard] as number;
    if (used + weight > (this.#guardMax[place] as number)) return;
    this.#bestGain[vm] = gain;
    this.#bestPlace[vm] = place;
  }

  #relocateGain(vm: number, to: number): number {
    const resources = this.#resources;
    const from = this.#at[vm] as number;
    let gain = this.#priceOf(vm, from) - this.#priceOf(vm, to);
    for (let r = 0; r < resources; r++) {
      const w = this.#weight[vm * resources + r] as number;
      const [s, t] = [from * resources + r, to * resources + r];
      gain += (this.#factor[s] as number) * w * (2 * (this.#used[s] as number) - w);
      gain -= (this.#factor[t] as number) * w * (2 * (this.#used[t] as number) + w);
    }
    return gain;
  }

  #exchangeGain(a: number, b: number): number {
    const resources = this.#resources;
    const here = this.#at[a] as number;
    const there = this.#at[b] as number;
    if (this.#may[a * this.#places + there] === 0 || this.#may[b * this.#places + here] === 0) {
      return 0;
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
        if (usedThere + w > (this.#guardMax[there] as number)) return 0;
        if (usedHere - w > (this.#guardMax[here] as number)) return 0;
      }
      gain += (this.#factor[s] as number) * w * (2 * usedHere - w);
      gain -= (this.#factor[t] as number) * w * (2 * usedThere + w);
    }
    return gain;
  }

  #priceOf(vm: number, place: number): number {
    return place === this.#home[vm] ? 0 : (this.#price[vm] as number);
  }
}
