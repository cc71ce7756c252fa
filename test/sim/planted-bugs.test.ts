/** Each checker is shown a whole cluster with the bug in it that it is there to catch. */
import { describe, expect, it } from "vitest";
import { Node } from "#lib/core/node.ts";
import type { NodeOptions } from "#lib/core/node-options.ts";
import type { CheckedWorld } from "#lib/simulation/checked-world.ts";
import { plantedBugs, withBug } from "#lib/simulation/faults/planted-bugs.ts";
import { runRandomScenario } from "#lib/simulation/random-scenario.ts";
import { randomServices } from "#lib/simulation/random-services.ts";
import { SimulationFailure } from "#lib/simulation/simulation-failure.ts";

const seedsMax = 100;
/** Virtual time is free, but a starved machine is slow. */
const timeout = 180_000;
const bugs = Object.entries(plantedBugs).map(
  ([name, { caughtBy, says = "" }]) => [name, caughtBy, says] as const,
);
/** A run with services, which have checkers of their own. */
const seedWithServices = 5;

function makeNode(bug: string) {
  const planted = plantedBugs[bug];
  if (!planted) throw new Error(`there is no bug ${bug}`);
  return withBug((options: NodeOptions) => new Node(options), planted);
}

/** What a run with this bug fails with; null when it does not. */
function failureOf(seed: number, bug: string, watch?: (world: CheckedWorld) => void) {
  try {
    const replayOptions = ` --bug ${bug}`;
    runRandomScenario({
      seed,
      makeNode: makeNode(bug),
      replayOptions,
      ...(watch ? { watch } : {}),
    });
    return null;
  } catch (error) {
    if (error instanceof SimulationFailure) return error.message;
    throw error;
  }
}

describe("a core with a bug", { timeout }, () => {
  it.each(bugs)(
    "that %s is caught by %s (%s), and the replay fails the same way",
    (bug, checker, says) => {
      let caught: { seed: number; failure: string } | undefined;
      for (let seed = 1; seed <= seedsMax && !caught; seed += 1) {
        // Bugs of services are nowhere else.
        if (checker.startsWith("service-") && !randomServices(seed, 3)) continue;
        const failure = failureOf(seed, bug);
        if (failure?.startsWith(`${checker}: `) && failure.includes(says))
          caught = { seed, failure };
      }
      const replay = new RegExp(
        `, at [0-9.]+ ms; replay: npm run -s sim -- --seed ${caught?.seed} --bug ${bug}$`,
      );
      expect(caught?.failure).toMatch(replay);
      expect(failureOf(caught?.seed ?? 0, bug)).toBe(caught?.failure);
    },
  );

  it("is there for each checker", () => {
    let names: readonly string[] = [];
    failureOf(seedWithServices, "discards-early", (world) => {
      names = world.checkerNames;
    });
    expect([...names].sort()).toEqual([...new Set(bugs.map(([, checker]) => checker))].sort());
  });
});
