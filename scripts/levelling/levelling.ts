import { mean } from "#lib/base/stats.ts";
import type { Observation } from "./observation.ts";

/** The spread counts as level when this share of it, or less, is left. */
const LEFT_SHARE_MAX = 0.3;
/** Level and no move under way for this long: it stays so. */
const QUIET_MS = 10_000;

/** Follows the spread from before the agents may act until it is down and quiet. */
export class Levelling {
  readonly #before: number[] = [];
  #startedAtMs: number | null = null;
  #quiet: Observation[] = [];

  /** One look; before `began` it counts as the lopsided state. */
  add(seen: Observation): void {
    if (seen.cpuSd === null) return;
    if (this.#startedAtMs === null) {
      this.#before.push(seen.cpuSd);
      return;
    }
    const isLevel = seen.cpuSd <= LEFT_SHARE_MAX * this.cpuSdBefore;
    if (isLevel && seen.movesUnderWay.length === 0) this.#quiet.push(seen);
    else this.#quiet = [];
  }

  /** From now on the agents act. */
  began(nowMs: number): void {
    this.#startedAtMs = nowMs;
  }

  get isDone(): boolean {
    const [first] = this.#quiet;
    const last = this.#quiet.at(-1);
    return first !== undefined && last !== undefined && last.atMs - first.atMs >= QUIET_MS;
  }

  /** Mean over the looks before the agents acted. */
  get cpuSdBefore(): number {
    return this.#before.length === 0 ? 0 : mean(this.#before);
  }

  /** Mean over the quiet time; null while it is not level. */
  get cpuSdAfter(): number | null {
    const spreads = this.#quiet.map(({ cpuSd }) => cpuSd).filter((sd) => sd !== null);
    return spreads.length === 0 ? null : mean(spreads);
  }

  /** From `began` until the spread was down for good; null while it is not. */
  get secondsToLevel(): number | null {
    const [first] = this.#quiet;
    if (first === undefined || this.#startedAtMs === null) return null;
    return (first.atMs - this.#startedAtMs) / 1000;
  }
}
