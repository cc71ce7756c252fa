import { type ClusterModel, type Spread, spreadOf } from "../cluster-model.ts";
import { MaxHeap } from "./max-heap.ts";
import { at, Standing } from "./standing.ts";
import { TargetIndex } from "./target-index.ts";

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
  const search = new BestMoveSearch(standing, gainMin);
  const moves: GreedyMove[] = [];
  while (moves.length < movesMax) {
    const best = search.next();
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

/**
 * Finds the best move again and again without looking at every pair each time. Each VM waits in a
 * heap by a gain that it cannot exceed: a host that takes a VM in only lowers what others would gain
 * there, so a figure of before still bounds. What a move can make better is looked at at once: VMs on
 * the target, and those for which the host that was left is now the best.
 */
class BestMoveSearch {
  readonly #standing: Standing;
  readonly #gainMin: number;
  readonly #targets: TargetIndex;
  readonly #heap = new MaxHeap();
  /** By VM: the bound that its valid entry in the heap has; NaN = it has none. */
  readonly #bound: Float64Array;
  /** VMs whose best target had no room: any host that is left may do better. */
  readonly #cramped = new Set<number>();
  readonly #vmsOn: Set<number>[];

  constructor(standing: Standing, gainMin: number) {
    this.#standing = standing;
    this.#gainMin = gainMin;
    this.#targets = new TargetIndex(standing, [...standing.hosts.keys()]);
    this.#bound = new Float64Array(standing.vms.length).fill(Number.NaN);
    this.#vmsOn = standing.hosts.map(() => new Set<number>());
    for (let vm = 0; vm < standing.vms.length; vm++) {
      this.#vmsOn[at(standing.hostOf, vm)]?.add(vm);
      this.#look(vm);
    }
  }

  /** Carries out the best move; undefined when none gains enough. Of equals the first VM's. */
  next() {
    for (let top = this.#heap.pop(); top !== undefined; top = this.#heap.pop()) {
      const { item: vm, value } = top;
      if (value !== this.#bound[vm]) continue;
      this.#bound[vm] = Number.NaN;
      const best = this.#bestOf(vm);
      if (best === undefined) continue;
      if (best.gain >= value) return this.#move(vm, best.host, best.gain);
      this.#push(vm, best.gain);
    }
    return undefined;
  }

  #move(vm: number, to: number, gain: number) {
    const from = at(this.#standing.hostOf, vm);
    this.#standing.move(vm, to);
    this.#vmsOn[from]?.delete(vm);
    this.#vmsOn[to]?.add(vm);
    this.#targets.changed(from);
    this.#targets.changed(to);
    for (const onTarget of this.#vmsOn[to] ?? []) this.#look(onTarget);
    if (this.#targets.isCorner(from)) {
      for (let other = 0; other < this.#bound.length; other++) this.#lookAt(other, from);
    } else for (const other of this.#cramped) this.#lookAt(other, from);
    return { vm, from, to, gain };
  }

  /** Looks at all hosts for `vm`. */
  #look(vm: number): void {
    const best = this.#bestOf(vm);
    if (best === undefined) this.#bound[vm] = Number.NaN;
    else this.#push(vm, best.gain);
  }

  /** Looks whether `host`, which has become cheaper, is worth more to `vm` than its bound. */
  #lookAt(vm: number, host: number): void {
    const standing = this.#standing;
    if (at(standing.hostOf, vm) === host || !standing.fits(vm, host)) return;
    const gain = standing.fallOf(vm) - standing.riseOf(vm, host);
    const bound = this.#bound[vm];
    if (gain > this.#gainMin && !(gain <= (bound ?? 0))) this.#push(vm, gain);
  }

  #push(vm: number, gain: number): void {
    if (this.#bound[vm] === gain) return;
    this.#bound[vm] = gain;
    this.#heap.push(vm, gain);
  }

  #bestOf(vm: number): { host: number; gain: number } | undefined {
    const standing = this.#standing;
    const fall = standing.fallOf(vm);
    if (fall <= this.#gainMin) return undefined;
    const best = this.#targets.best(vm);
    if (best?.isSecondChoice === false) this.#cramped.delete(vm);
    else this.#cramped.add(vm);
    // Should the VM's own host be the one that it raises least, then no other gains anything.
    if (best === undefined || best.host === at(standing.hostOf, vm)) return undefined;
    const gain = fall - best.rise;
    return gain > this.#gainMin ? { host: best.host, gain } : undefined;
  }
}
