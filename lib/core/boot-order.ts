import { compareText } from "../base/ordered.ts";
import type { VmName } from "../model/ids.ts";
import { policyDefaults, type VmSpec } from "../model/vm-spec.ts";

/** Guests that are started at one time: each reads its disk, or its saved memory. */
const startingMax = 8;

interface Waiting {
  readonly vm: VmName;
  readonly priority: number;
}

/**
 * In which order guests are started after their machine's boot: those of one priority together, and
 * nobody before all of a higher one have been started, or could not be.
 */
export class BootOrder {
  readonly #waiting: Waiting[];
  readonly #starting = new Map<VmName, number>();

  constructor(specs: readonly VmSpec[]) {
    this.#waiting = specs
      .map(({ name: vm, policy }) => ({ vm, priority: policy.priority ?? policyDefaults.priority }))
      .sort((a, b) => b.priority - a.priority || compareText(a.vm, b.vm));
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0 && this.#starting.size === 0;
  }

  /** Whose turn it is, until `ended` is told; undefined while nobody's. */
  next(): VmName | undefined {
    const first = this.#waiting[0];
    if (first === undefined || this.#starting.size >= startingMax) return undefined;
    for (const priority of this.#starting.values()) {
      if (priority > first.priority) return undefined;
    }
    this.#waiting.shift();
    this.#starting.set(first.vm, first.priority);
    return first.vm;
  }

  ended(vm: VmName): void {
    this.#starting.delete(vm);
  }
}
