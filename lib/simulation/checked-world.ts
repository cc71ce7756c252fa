import type { Checker } from "./checkers/checker.ts";
import { Convergence } from "./checkers/convergence.ts";
import { FrozenBound } from "./checkers/frozen-bound.ts";
import { GuestContinuity } from "./checkers/guest-continuity.ts";
import { MemoryAtGrant } from "./checkers/memory-at-grant.ts";
import { NeverLost } from "./checkers/never-lost.ts";
import { OneOwner } from "./checkers/one-owner.ts";
import { RisingVersions } from "./checkers/rising-versions.ts";
import { RulesHold } from "./checkers/rules-hold.ts";
import { TwoRunning } from "./checkers/two-running.ts";
import { SimWorld, type SimWorldOptions } from "./sim-world.ts";
import { SimulationFailure } from "./simulation-failure.ts";

/** A vote, one question of the longest pause and its answer, and a reconnection, ms. */
const frozenMsMax = 12_000;

/** What has settled must stay so for this long, ms. */
const calmMs = 1_500;

/** All checkers, fresh, for one world. */
function allCheckers(world: SimWorld): readonly Checker[] {
  return [
    new TwoRunning(),
    new GuestContinuity(),
    new NeverLost(),
    new OneOwner(),
    // A hypervisor that refuses to run its guest keeps it frozen as a silent end does.
    new FrozenBound((a, b) => world.canTalk(a, b) && world.orderFailureShare === 0, frozenMsMax),
    new MemoryAtGrant((host) => world.machine(host)),
    new RulesHold((host) => world.machine(host)),
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

  /** Heals everything and waits until all is well and stays so; fails the run after `limitMs`. */
  settle(limitMs: number): void {
    this.healAll();
    // Agreement is dear to compute: look ten times a second, not after each event.
    const endMs = this.clock.nowMs + limitMs;
    let calmSinceMs = this.clock.nowMs;
    let unsettled = this.#unsettled();
    while (unsettled !== undefined || this.clock.nowMs - calmSinceMs < calmMs) {
      if (unsettled !== undefined) calmSinceMs = this.clock.nowMs;
      if (unsettled !== undefined && this.clock.nowMs >= endMs) {
        this.fail(unsettled.checker, unsettled.objection);
      }
      this.runFor(100);
      unsettled = this.#unsettled();
    }
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
