import { type ClusterModel, type Spread, spreadOf } from "../cluster-model.ts";
import { at, Standing } from "./standing.ts";

/**
 * What a central brain with perfect information would do: always the best single move of the whole
 * cluster, until none gains enough. The yardstick of the agents' own plans.
 */

export interface CentralGreedyOptions {
  /** Stops when no move gains more than this, in units of utilisation squared. */
  readonly gainMin?: number;
  /** Stops after so many moves. */
  readonly movesMax?: number;
  /** How much of its memory a target may fill, 0..1. */
  readonly memoryShareMax?: number;
}

export interface GreedyMove {
  readonly vm: string;
  readonly from: string;
  readonly to: string;
  /** Fall of the sum over hosts of (cpu utilisation² + memory utilisation²), see Standing. */
  readonly gain: number;
}

export interface GreedyPlan {
  readonly moves: readonly GreedyMove[];
  readonly placement: Map<string, string>;
  readonly before: Spread;
  readonly after: Spread;
}

/** A move that gains less is not worth a migration: what the peers are compared at. */
export const GREEDY_GAIN_MIN = 0.003;

/** At most so many moves for each VM: each one lowers the measure, so this only guards the loop. */
const MOVES_PER_VM_MAX = 100;

export function centralGreedy(model: ClusterModel, options: CentralGreedyOptions = {}): GreedyPlan {
  const { gainMin = GREEDY_GAIN_MIN, memoryShareMax = 1 } = options;
  const movesMax = options.movesMax ?? model.vms.length * MOVES_PER_VM_MAX;
  const standing = new Standing(model, memoryShareMax);
  const search = new BestMoveSearch(standing);
  const moves: GreedyMove[] = [];
  while (moves.length < movesMax) {
    const best = search.next(gainMin);
    if (best === undefined) break;
    moves.push({
      vm: standing.vms[best.vm]?.name ?? "",
      from: standing.hosts[best.from]?.name ?? "",
      to: standing.hosts[best.to]?.name ?? "",
      gain: best.gain,
    });
  }
  const placement = standing.placement();
  return { moves, placement, before: spreadOf(model), after: spreadOf(model, placement) };
}

const NONE = -1;

/**
 * Finds the best move again and again without looking at every pair each time. For each VM it keeps
 * the least rise that any host could take it for: exact, or, once that host took another VM, still a
 * bound from below. Only VMs whose bound beats the best exact gain look at all hosts again.
 */
class BestMoveSearch {
  readonly #standing: Standing;
  /** By VM: least rise, the host it belongs to (NONE: no host has room), whether that is exact. */
  readonly #rise: Float64Array;
  readonly #target: Int32Array;
  readonly #exact: Uint8Array;

  constructor(standing: Standing) {
    const count = standing.vms.length;
    this.#standing = standing;
    this.#rise = new Float64Array(count);
    this.#target = new Int32Array(count).fill(NONE);
    // Nothing is known yet: zero is below every rise.
    this.#exact = new Uint8Array(count);
  }

  /** Carries out the best move that gains more than `gainMin`; undefined when there is none. */
  next(gainMin: number) {
    const standing = this.#standing;
    const vm = this.#bestVm(gainMin);
    if (vm === NONE) return undefined;
    const from = at(standing.hostOf, vm);
    const to = at(this.#target, vm);
    const gain = standing.fallOf(vm) - at(this.#rise, vm);
    standing.move(vm, to);
    this.#refresh(vm, from, to);
    return { vm, from, to, gain };
  }

  /** The VM with the highest gain; the first of equals. */
  #bestVm(gainMin: number): number {
    const standing = this.#standing;
    let best = NONE;
    let bestGain = gainMin;
    const consider = (vm: number) => {
      const gain = standing.fallOf(vm) - at(this.#rise, vm);
      if (gain < bestGain || (gain === bestGain && (best === NONE || vm > best))) return false;
      if (this.#exact[vm] === 0) return true;
      best = vm;
      bestGain = gain;
      return false;
    };
    for (let vm = 0; vm < this.#rise.length; vm++) if (this.#exact[vm] === 1) consider(vm);
    for (let vm = 0; vm < this.#rise.length; vm++) {
      if (this.#exact[vm] === 1 || !consider(vm)) continue;
      this.#look(vm);
      consider(vm);
    }
    return best;
  }

  /** Looks at every host for the one that `vm` would raise least; the first of equals. */
  #look(vm: number): void {
    const standing = this.#standing;
    const own = at(standing.hostOf, vm);
    let target = NONE;
    let least = Number.POSITIVE_INFINITY;
    for (let host = 0; host < standing.hosts.length; host++) {
      const rise = standing.riseOf(vm, host);
      if (rise >= least || host === own || !standing.fits(vm, host)) continue;
      least = rise;
      target = host;
    }
    this.#rise[vm] = least;
    this.#target[vm] = target;
    this.#exact[vm] = 1;
  }

  /** After a move: `from` became cheaper, `to` dearer, for every other VM. */
  #refresh(moved: number, from: number, to: number): void {
    const standing = this.#standing;
    this.#look(moved);
    for (let vm = 0; vm < this.#rise.length; vm++) {
      if (vm === moved) continue;
      if (at(this.#target, vm) === to) this.#exact[vm] = 0;
      if (at(standing.hostOf, vm) === from || !standing.fits(vm, from)) continue;
      const rise = standing.riseOf(vm, from);
      const isLess = rise < at(this.#rise, vm);
      const isFirst = rise === at(this.#rise, vm) && from < at(this.#target, vm);
      if (!isLess && !isFirst) continue;
      this.#rise[vm] = rise;
      this.#target[vm] = from;
      this.#exact[vm] = 1;
    }
  }
}
