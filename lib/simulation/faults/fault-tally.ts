/** How often each kind of thing happened in a run, or in many. */
export class FaultTally {
  readonly #counts = new Map<string, number>();

  add(kind: string, times = 1): void {
    if (times > 0) this.#counts.set(kind, this.of(kind) + times);
  }

  addAll(counts: Readonly<Record<string, number>>): void {
    for (const [kind, times] of Object.entries(counts)) this.add(kind, times);
  }

  of(kind: string): number {
    return this.#counts.get(kind) ?? 0;
  }

  get total(): number {
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0);
  }

  /** By kind, in the order in which the kinds were first seen. */
  counts(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts);
  }
}
