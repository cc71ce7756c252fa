import type { Checker } from "./checkers/checker.ts";
import { FrozenBound } from "./checkers/frozen-bound.ts";
import { GuestContinuity } from "./checkers/guest-continuity.ts";
import { MemoryAtGrant } from "./checkers/memory-at-grant.ts";
import { NeverLost } from "./checkers/never-lost.ts";
import { OneOwner } from "./checkers/one-owner.ts";
import { RulesHold } from "./checkers/rules-hold.ts";
import { TwoRunning } from "./checkers/two-running.ts";
import type { SimWorld } from "./sim-world.ts";

/** Violations beyond this many are only counted. */
const toldMax = 100;
/** In a larger cluster only what costs the same for each fact, however many hosts there are. */
const thoroughHostsMax = 300;
/** A vote, one question of the longest pause and its answer, and a reconnection, ms. */
const frozenMsMax = 12_000;

/**
 * Judges every fact of a world, and writes down what must not be instead of ending the run: once for
 * each checker and VM (or host), since what is wrong now is mostly still wrong at the next fact.
 */
export class RunJudge {
  readonly told: string[] = [];
  readonly #accused = new Set<string>();
  #count = 0;

  constructor(world: SimWorld) {
    for (const checker of checkersOf(world)) {
      world.onFact((fact, nowMs) => {
        const objection = checker.observe(fact, nowMs);
        if (objection !== undefined) this.#write(checker.name, objection, nowMs);
      }, checker.facts);
    }
  }

  get count(): number {
    return this.#count;
  }

  #write(checker: string, objection: string, nowMs: number): void {
    const [subject = ""] = objection.split(" ");
    if (this.#accused.has(`${checker} ${subject}`)) return;
    this.#accused.add(`${checker} ${subject}`);
    this.#count += 1;
    if (this.told.length < toldMax) {
      this.told.push(`${checker}: ${objection}, at ${(nowMs / 1000).toFixed(3)} s`);
    }
  }
}

function checkersOf(world: SimWorld): readonly Checker[] {
  const cheap = [
    new TwoRunning(),
    new GuestContinuity(),
    new NeverLost(),
    new OneOwner(),
    new MemoryAtGrant((host) => world.machine(host)),
    new RulesHold((host) => world.machine(host)),
  ];
  if (world.hosts.length > thoroughHostsMax) return cheap;
  return [...cheap, new FrozenBound((a, b) => world.canTalk(a, b), frozenMsMax)];
}
