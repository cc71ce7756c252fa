import type { SimFact } from "../sim-fact.ts";
import type { SimWorld } from "../sim-world.ts";

/** One thing that must hold in every run. Answers are sentences that name the violation. */
export interface Checker {
  readonly name: string;
  /** Takes the next fact; undefined while all is well. */
  observe(fact: SimFact, nowMs: number): string | undefined;
  /** Looks once more, after everything was healed and had its time to settle. */
  settled(world: SimWorld): string | undefined;
}
