import type { HostId } from "../model/ids.ts";

/**
 * Which host's packets reach which other host. Cuts are one-way facts; a full cut is two of them.
 * A partition is a cut of all pairs that are not in one group.
 */
export class SimLinks {
  readonly #cuts = new Set<string>();
  readonly #listeners: (() => void)[] = [];

  /** True when packets from `from` reach `to`. */
  passes(from: HostId, to: HostId): boolean {
    return this.#cuts.size === 0 || !this.#cuts.has(`${from} ${to}`);
  }

  /** True when packets pass both ways, as a stream needs. */
  connects(a: HostId, b: HostId): boolean {
    return this.passes(a, b) && this.passes(b, a);
  }

  get whole(): boolean {
    return this.#cuts.size === 0;
  }

  /** Calls `listener` after every change. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  cut(a: HostId, b: HostId): void {
    this.#cuts.add(`${a} ${b}`).add(`${b} ${a}`);
    this.#changed();
  }

  /** Loses what goes from `from` to `to`; the other way still passes. */
  cutOneWay(from: HostId, to: HostId): void {
    this.#cuts.add(`${from} ${to}`);
    this.#changed();
  }

  /** Cuts every pair of hosts that stand in different groups. */
  partition(groups: readonly (readonly HostId[])[]): void {
    for (const [index, group] of groups.entries()) {
      for (const other of groups.slice(index + 1).flat()) {
        for (const host of group) this.#cuts.add(`${host} ${other}`).add(`${other} ${host}`);
      }
    }
    this.#changed();
  }

  heal(a: HostId, b: HostId): void {
    this.#cuts.delete(`${a} ${b}`);
    this.#cuts.delete(`${b} ${a}`);
    this.#changed();
  }

  healAll(): void {
    this.#cuts.clear();
    this.#changed();
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}
