import { assert } from "../../base/assert.ts";
import { type ClusterModel, type Placement, type Spread, spreadOf } from "../cluster-model.ts";
import { LevellingGoal } from "../levelling-goal.ts";
import { GREEDY_GAIN_MIN } from "./central-greedy.ts";
import { MaxHeap } from "./max-heap.ts";
import { at, Standing } from "./standing.ts";
import { TargetIndex } from "./target-index.ts";

/**
 * A central brain under the limits that the agents live with: it knows every load of this very
 * second, but a host has one migration in and one out at a time, and a migration takes the time that
 * memory takes. Each second it starts the best moves that free hosts allow. What elections could
 * reach at best.
 */

export interface CentralRoundsOptions {
  readonly seconds: number;
  /** Duration of a migration: a fixed part, and that of each GiB; a second each by default. */
  readonly fixedSeconds?: number;
  readonly secondsPerGib?: number;
  readonly gainMin?: number;
  readonly memoryShareMax?: number;
  /** Ends the run once it is level: time and moves by then are all that is wanted. */
  readonly stopAtLevel?: boolean;
  /** What a VM (by index) burns in a second, cores; the model's figure when not given. */
  readonly cpuCoresAt?: (vm: number, second: number) => number;
}

export interface CentralRounds {
  /** When 95 % of the unhindered greedy's improvement was reached; null = not in the time given. */
  readonly secondsTo95: number | null;
  /** Moves that had ended by then, and all that were begun. */
  readonly movesTo95: number | null;
  readonly moves: number;
  readonly before: Spread;
  readonly after: Spread;
}

const SECONDS_MAX = 1_000_000;
const GIB = 2 ** 30;

/** Levels are judged by the model's own loads, whatever `cpuCoresAt` adds to them. */
export function centralRounds(model: ClusterModel, options: CentralRoundsOptions): CentralRounds {
  const { seconds, stopAtLevel = false } = options;
  assert(Number.isInteger(seconds) && seconds >= 0 && seconds <= SECONDS_MAX, `${seconds} s`);
  const goal = new LevellingGoal(model);
  const rounds = new Rounds(model, options);
  let level: { second: number; moves: number } | undefined;
  for (let second = 0; second <= seconds; second++) {
    const isChanged = rounds.land(second) > 0 || second === 0;
    if (!level && isChanged && goal.isReached(spreadOf(model, rounds.placement))) {
      level = { second, moves: rounds.landed };
      if (stopAtLevel) break;
    }
    rounds.start(second);
  }
  return {
    secondsTo95: level?.second ?? null,
    movesTo95: level?.moves ?? null,
    moves: rounds.begun,
    before: spreadOf(model),
    after: spreadOf(model, rounds.placement),
  };
}

interface Flight {
  readonly vm: number;
  readonly from: number;
  readonly to: number;
  readonly landsAtSecond: number;
}

class Rounds {
  readonly #options: CentralRoundsOptions;
  readonly #gainMin: number;
  /** As if all flights had landed, except that memory is still held at both ends. */
  readonly #standing: Standing;
  /** Where each VM runs now: at its source until the flight lands. */
  readonly #placement = new Map<string, string>();
  #flights: Flight[] = [];
  readonly #flying = new Set<number>();
  readonly #busyOut = new Set<number>();
  readonly #busyIn = new Set<number>();
  begun = 0;
  landed = 0;

  constructor(model: ClusterModel, options: CentralRoundsOptions) {
    this.#options = options;
    this.#gainMin = options.gainMin ?? GREEDY_GAIN_MIN;
    this.#standing = new Standing(model, options.memoryShareMax ?? 1);
  }

  get placement(): Placement {
    return this.#placement;
  }

  /** Ends the migrations that are over; how many. */
  land(second: number): number {
    const landed = this.#flights.filter((flight) => flight.landsAtSecond <= second);
    this.#flights = this.#flights.filter((flight) => flight.landsAtSecond > second);
    for (const { vm, from, to } of landed) {
      this.#flying.delete(vm);
      this.#busyOut.delete(from);
      this.#busyIn.delete(to);
      this.#holdMemory(vm, from, -1);
      this.#placement.set(this.#standing.vms[vm]?.name ?? "", this.#standing.hosts[to]?.name ?? "");
    }
    this.landed += landed.length;
    return landed.length;
  }

  /** Starts the best moves between hosts that are free, each host in one of them at most. */
  start(second: number): void {
    this.#readLoads(second);
    const standing = this.#standing;
    const hosts = standing.hosts.map((_, index) => index);
    const targets = new TargetIndex(
      standing,
      hosts.filter((host) => !this.#busyIn.has(host)),
    );
    const taken = new Set<number>();
    const heap = this.#gainsOver(targets);
    for (let top = heap.pop(); top !== undefined; top = heap.pop()) {
      const { item: vm, value: boundGain } = top;
      const from = at(standing.hostOf, vm);
      if (taken.has(from)) continue;
      const best = this.#bestOf(vm, targets);
      if (best === undefined) continue;
      // The target it was first held good for is taken: it waits for its turn with the next best.
      if (best.gain < boundGain) {
        heap.push(vm, best.gain);
        continue;
      }
      for (const host of [from, best.host]) {
        taken.add(host);
        targets.remove(host);
      }
      this.#depart(vm, best.host, second);
    }
  }

  #readLoads(second: number): void {
    const { cpuCoresAt } = this.#options;
    if (cpuCoresAt === undefined) return;
    const standing = this.#standing;
    for (let vm = 0; vm < standing.vms.length; vm++) {
      standing.vmCpuCores[vm] = cpuCoresAt(vm, second);
    }
    standing.recount();
  }

  #gainsOver(targets: TargetIndex): MaxHeap {
    const heap = new MaxHeap();
    const standing = this.#standing;
    for (let vm = 0; vm < standing.vms.length; vm++) {
      if (this.#flying.has(vm) || this.#busyOut.has(at(standing.hostOf, vm))) continue;
      const best = this.#bestOf(vm, targets);
      if (best !== undefined) heap.push(vm, best.gain);
    }
    return heap;
  }

  /** The best target, when the move there gains enough. */
  #bestOf(vm: number, targets: TargetIndex): { host: number; gain: number } | undefined {
    const standing = this.#standing;
    const fall = standing.fallOf(vm);
    if (fall <= this.#gainMin) return undefined;
    // Should the VM's own host be the one that it raises least, then no other gains anything.
    const best = targets.best(vm);
    if (best === undefined || best.host === at(standing.hostOf, vm)) return undefined;
    const gain = fall - best.rise;
    return gain > this.#gainMin ? { host: best.host, gain } : undefined;
  }

  #depart(vm: number, to: number, second: number): void {
    const { fixedSeconds = 1, secondsPerGib = 1 } = this.#options;
    const from = at(this.#standing.hostOf, vm);
    const gib = at(this.#standing.vmMemoryBytes, vm) / GIB;
    this.#standing.move(vm, to);
    this.#holdMemory(vm, from, 1);
    this.#flights.push({
      vm,
      from,
      to,
      landsAtSecond: second + fixedSeconds + gib * secondsPerGib,
    });
    this.#flying.add(vm);
    this.#busyOut.add(from);
    this.#busyIn.add(to);
    this.begun++;
  }

  /** While a VM is under way its memory is in use at the source too: less room for others there. */
  #holdMemory(vm: number, host: number, sign: 1 | -1): void {
    const limits = this.#standing.memoryLimitBytes;
    limits[host] = at(limits, host) - sign * at(this.#standing.vmMemoryBytes, vm);
  }
}
