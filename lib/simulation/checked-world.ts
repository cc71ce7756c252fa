import type { Checker } from "./checkers/checker.ts";
import { Convergence } from "./checkers/convergence.ts";
import { FrozenBound } from "./checkers/frozen-bound.ts";
import { GuestContinuity } from "./checkers/guest-continuity.ts";
import { MemoryAtGrant } from "./checkers/memory-at-grant.ts";
import { NeverLost } from "./checkers/never-lost.ts";
import { OneOwner } from "./checkers/one-owner.ts";
import { RisingVersions } from "./checkers/rising-versions.ts";
import { TwoRunning } from "./checkers/two-running.ts";
import { SimWorld, type SimWorldOptions } from "./sim-world.ts";
import { SimulationFailure } from "./simulation-failure.ts";

/** A vote, one question of the longest pause and its answer, and a reconnection, ms. */
const frozenMsMax = 12_000;

/** What has settled must stay so for this long, ms. */
const calmMs = 1_500;

/** All checkers, fresh, for one world. */
export function allCheckers(world: SimWorld): readonly Checker[] {
  return [
    new TwoRunning(),
    new GuestContinuity(),
    new NeverLost(),
    new OneOwner(),
    new FrozenBound((a, b) => world.canTalk(a, b), frozenMsMax),
    new MemoryAtGrant((host) => world.machine(host)),
    new RisingVersions(),
    new Convergence(),
  ];
}

export interface CheckedWorldOptions extends SimWorldOptions {
  /** Scenario name for the line that replays a failure. */
  readonly scenario: string;
}

/** A world whose every fact is judged at once: the first violation throws SimulationFailure. */
export class CheckedWorld extends SimWorld {
  readonly #checkers: readonly Checker[];
  readonly #replay: string;

  constructor(options: CheckedWorldOptions) {
    super(options);
    this.#replay = `npm run -s sim -- --seed ${options.seed} --scenario ${options.scenario}`;
    this.#checkers = allCheckers(this);
    this.onFact((fact, nowMs) => {
      for (const checker of this.#checkers) {
        const objection = checker.observe(fact, nowMs);
        if (objection !== undefined) this.fail(checker.name, objection);
      }
    });
  }

  /**
   * Heals everything, waits until all is well, at most `limitMs`, and fails the run if it is not,
   * or does not stay so.
   */
  settle(limitMs: number): void {
    this.healAll();
    // Agreement is dear to compute: look ten times a second, not after each event.
    const endMs = this.clock.nowMs + limitMs;
    while (this.clock.nowMs < endMs && this.#unsettled() !== undefined) this.runFor(100);
    this.runFor(calmMs);
    const unsettled = this.#unsettled();
    if (unsettled) this.fail(unsettled.checker, unsettled.objection);
  }

  #unsettled(): { checker: string; objection: string } | undefined {
    for (const checker of this.#checkers) {
      const objection = checker.settled(this);
      if (objection !== undefined) return { checker: checker.name, objection };
    }
    return undefined;
  }

  /** Ends the run with one line that names the violation and replays it. */
  fail(checker: string, objection: string): never {
    const atMs = this.clock.nowMs.toFixed(1);
    throw new SimulationFailure(`${checker}: ${objection}, at ${atMs} ms; replay: ${this.#replay}`);
  }
}
