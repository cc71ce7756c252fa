import { describe, expect, it } from "vitest";
import { Prng } from "#lib/base/prng.ts";
import { ServiceOperator } from "#lib/simulation/faults/service-operator.ts";
import { ServiceDemand } from "#lib/simulation/service-demand.ts";
import { ConstantWorkload } from "#lib/simulation/workload.ts";
import { settled, webSpec } from "../../../support/service-world.ts";

const lastMs = 30_000;

function operated(seed: number) {
  const { world } = settled(seed);
  const verbs: string[] = [];
  world.onFact((fact) => {
    if (fact.type === "stepped" && fact.event.type === "verbAsked") {
      verbs.push(fact.event.verb.verb);
    }
  });
  const operator = new ServiceOperator({
    world,
    prng: new Prng(`operator.${seed}`),
    specs: [webSpec()],
    demand: new ServiceDemand(new ConstantWorkload({ cpuCores: 0.1 })),
    lastMs,
  });
  return { world, operator, verbs };
}

describe("ServiceOperator", () => {
  it("declares services, gives verbs and hangs members, and counts what it did", () => {
    const kinds = new Set<string>();
    for (const seed of [1, 2, 3, 4, 5, 6]) {
      const { world, operator, verbs } = operated(seed);
      world.runFor(lastMs);
      operator.end();
      const counts = operator.counts();
      for (const kind of Object.keys(counts)) kinds.add(kind);
      const asked = Object.entries(counts).filter(([kind]) => kind.startsWith("verb "));
      expect(asked.reduce((sum, [, count]) => sum + count, 0)).toBe(verbs.length);
    }
    expect([...kinds].sort()).toEqual([
      "member hung",
      "verb serviceApply",
      "verb serviceDelete",
      "verb serviceScale",
    ]);
  });

  it("does nothing more after its end", () => {
    const { world, operator, verbs } = operated(1);
    operator.end();
    const before = verbs.length;
    world.runFor(lastMs);
    // What is declared from the start is declared all the same.
    expect(verbs.slice(before).every((verb) => verb === "serviceApply")).toBe(true);
    expect(operator.counts()["member hung"]).toBeUndefined();
  });
});
