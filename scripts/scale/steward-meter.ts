import { StewardDesk } from "#lib/core/steward-desk.ts";
import { Steward } from "#lib/services/steward.ts";

/** How long stewards took to decide, ms of CPU, and what they were answered. */
export interface StewardFigures {
  readonly decisions: number;
  readonly meanMs: number;
  readonly p99Ms: number;
  readonly worstMs: number;
  /** Answers that were no grant. */
  readonly refusals: number;
  /** Those of them that came of news which one of the two had not heard yet. */
  readonly refusalsSoon: number;
  readonly grants: number;
}

/**
 * Measures each look of a host that stewards a service, over all that it stewards. The core knows no
 * clock, so the two methods are wrapped for as long as the bench runs.
 */
export class StewardMeter {
  #tookMs: number[] = [];
  #looks = 0;
  #answers = { refusals: 0, refusalsSoon: 0, grants: 0 };

  /** Returns what ends it. */
  install(): () => void {
    const meter = this;
    const { look: lookOfOne } = Steward.prototype;
    Steward.prototype.look = function (this: Steward, ...args) {
      meter.#looks += 1;
      return lookOfOne.apply(this, args);
    };
    const { look, onAnswer } = StewardDesk.prototype;
    StewardDesk.prototype.look = function (this: StewardDesk, ...args) {
      const before = meter.#looks;
      const started = process.threadCpuUsage();
      look.apply(this, args);
      if (meter.#looks > before) meter.#tookMs.push(millisecondsSince(started));
    };
    StewardDesk.prototype.onAnswer = function (this: StewardDesk, ...args) {
      const [, { refusal, soon }] = args;
      if (refusal === null) meter.#answers.grants += 1;
      else meter.#answers.refusals += 1;
      if (refusal !== null && soon) meter.#answers.refusalsSoon += 1;
      onAnswer.apply(this, args);
    };
    return () => {
      Steward.prototype.look = lookOfOne;
      Object.assign(StewardDesk.prototype, { look, onAnswer });
    };
  }

  /** Figures since the last call. */
  take(): StewardFigures {
    const sorted = [...this.#tookMs].sort((a, b) => a - b);
    const sum = sorted.reduce((total, ms) => total + ms, 0);
    const figures = {
      decisions: sorted.length,
      meanMs: sum / Math.max(1, sorted.length),
      p99Ms: sorted[Math.floor(sorted.length * 0.99)] ?? 0,
      worstMs: sorted.at(-1) ?? 0,
      ...this.#answers,
    };
    this.#tookMs = [];
    this.#answers = { refusals: 0, refusalsSoon: 0, grants: 0 };
    return figures;
  }
}

/** Of this thread alone: others on the machine are no part of a decision. */
function millisecondsSince(started: NodeJS.CpuUsage): number {
  const { user, system } = process.threadCpuUsage(started);
  return (user + system) / 1_000;
}
