import { Prng } from "../base/prng.ts";
import type { PlanProblem } from "./plan-problem.ts";
import { leastGain, PlanSheet } from "./plan-sheet.ts";

/**
 * Which VMs of a few hosts should go where, all together: a search over whole placements.
 *
 * Looking at one move at a time makes more moves than are needed: two hosts fill the same hole with
 * VMs that fit it badly, and a third move mends it. The search moves VMs about on paper, back home
 * as well, until no relocation and no exchange of two VMs makes the placement better. Then it kicks:
 * it sends a few VMs home and puts a few others anywhere, mends that, and keeps what came out better
 * (iterated local search; Lourenço, Martin and Stützle 2003). What then stands elsewhere is the plan.
 * Every host searches for itself, with the same dice: those with the same view find the same plan.
 */

/** Steps on paper are bounded: a descent that goes on for longer gains next to nothing. */
const stepsPerVm = 4;
/** A kick sends home, and puts elsewhere, from this many VMs on ... */
const kickMin = 2;
/** ... so many more at most. */
const kickSpread = 3;

export interface PlanLimits {
  /** What each displaced VM must win at least, if that is more than its price. */
  readonly level?: number;
  /** VMs that may be displaced; the plan then has the moves that win most. */
  readonly movesMax?: number | undefined;
  /** How often to kick: the more, the better the plan, and the longer the search. */
  readonly kicks?: number;
}

/** The place of each VM in the best placement that the search finds. */
export function searchPlan(problem: PlanProblem, limits: PlanLimits = {}): readonly number[] {
  const { level = 0, movesMax = Number.POSITIVE_INFINITY, kicks = 0 } = limits;
  const search = new PlanSearch(new PlanSheet(problem, level), movesMax);
  return search.run(kicks);
}

class PlanSearch {
  readonly #sheet: PlanSheet;
  readonly #movesMax: number;
  readonly #prng = new Prng("plan");

  constructor(sheet: PlanSheet, movesMax: number) {
    this.#sheet = sheet;
    this.#movesMax = movesMax;
  }

  run(kicks: number): number[] {
    const sheet = this.#sheet;
    this.#descend();
    if (sheet.vms > 0 && sheet.places > 1) this.#kickAbout(kicks);
    return [...sheet.at];
  }

  #kickAbout(kicks: number): void {
    const sheet = this.#sheet;
    const best = sheet.newMark();
    for (let kick = 0; kick < kicks; kick++) {
      const gain = this.#kick() + this.#descend();
      if (gain > leastGain) sheet.keep(best);
      else sheet.comeBack(best);
    }
  }

  /** Returns what it wins: nearly always less than 0. */
  #kick(): number {
    const sheet = this.#sheet;
    const count = kickMin + this.#prng.nextInt(kickSpread);
    const away: number[] = [];
    for (let vm = 0; vm < sheet.vms; vm++) if (!sheet.isHome(vm)) away.push(vm);
    let gain = 0;
    for (const vm of this.#prng.sample(away, count)) {
      gain += this.#relocate(vm, sheet.home[vm] as number);
    }
    for (let i = 0; i < count && sheet.displaced < this.#movesMax; i++) {
      const vm = this.#prng.nextInt(sheet.vms);
      const place = this.#prng.nextInt(sheet.places);
      if (sheet.isHome(vm)) gain += this.#relocate(vm, place);
    }
    return gain;
  }

  #relocate(vm: number, to: number): number {
    const gain = this.#sheet.relocateGain(vm, to);
    if (gain === Number.NEGATIVE_INFINITY) return 0;
    this.#sheet.relocate(vm, to);
    return gain;
  }

  /** Makes the best change until none wins; returns what all won. */
  #descend(): number {
    let sum = 0;
    for (let steps = stepsPerVm * this.#sheet.vms; steps > 0; steps--) {
      const gain = this.#relocateBest() || this.#exchangeBest();
      if (gain === 0) break;
      sum += gain;
    }
    return sum;
  }

  #relocateBest(): number {
    const sheet = this.#sheet;
    const isFull = sheet.displaced >= this.#movesMax;
    let best = -1;
    let gain = leastGain;
    for (let vm = 0; vm < sheet.vms; vm++) {
      const one = sheet.bestGain[vm] as number;
      if (one <= gain || (isFull && sheet.isHome(vm))) continue;
      gain = one;
      best = vm;
    }
    if (best < 0) return 0;
    sheet.relocate(best, sheet.bestPlace[best] as number);
    return gain;
  }

  /** Two VMs change places, at least one of them displaced: other pairs cost two prices at once. */
  #exchangeBest(): number {
    const sheet = this.#sheet;
    let gain = leastGain;
    let first = -1;
    let second = -1;
    for (let a = 0; a < sheet.vms; a++) {
      if (sheet.isHome(a)) continue;
      for (let b = 0; b < sheet.vms; b++) {
        if (sheet.at[b] === sheet.at[a] || this.#exceeds(a, b)) continue;
        const one = sheet.exchangeGain(a, b);
        if (one <= gain) continue;
        gain = one;
        first = a;
        second = b;
      }
    }
    if (first < 0) return 0;
    sheet.exchange(first, second);
    return gain;
  }

  /** Whether the exchange of `a`, which is displaced, and `b` would displace too many. */
  #exceeds(a: number, b: number): boolean {
    const { home, at, displaced } = this.#sheet;
    const before = 1 + Number(at[b] !== home[b]);
    const after = Number(at[b] !== home[a]) + Number(at[a] !== home[b]);
    return displaced + after - before > this.#movesMax;
  }
}
