import type { SimFact } from "../sim-fact.ts";
import type { SimWorld } from "../sim-world.ts";

/**
 * One thing that must hold in every run. Answers are sentences that name the violation. A fact
 * costs the same in a cluster of any size, and what is remembered is bounded by the hosts, VMs and
 * open moves that there are: checkers run with 10,000 hosts.
 */
export interface Checker {
  readonly name: string;
  /** The facts that it wants to see. */
  readonly facts: readonly SimFact["type"][];
  /** Takes the next fact; undefined while all is well. */
  observe(fact: SimFact, nowMs: number): string | undefined;
  /** Looks once more, after everything was healed and had its time to settle. */
  settled(world: SimWorld): string | undefined;
}
