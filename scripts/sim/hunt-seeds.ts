import { Node } from "#lib/core/node.ts";
import type { CheckedWorld } from "#lib/simulation/checked-world.ts";
import { plantedBugs, withBug } from "#lib/simulation/faults/planted-bugs.ts";
import { type RandomRun, runRandomScenario } from "#lib/simulation/random-scenario.ts";
import type { SimNodeMaker } from "#lib/simulation/sim-node.ts";
import { type HuntShare, HuntTotals } from "./hunt-totals.ts";

export interface Seeds {
  readonly from: number;
  readonly count: number;
  /** A bug to plant in every core; null for none. */
  readonly bug: string | null;
}

/** Makes real cores, with a planted bug in them if one is named. Throws RangeError for no bug. */
export function nodeMaker(bug: string | null): SimNodeMaker {
  const real: SimNodeMaker = (options) => new Node(options);
  if (bug === null) return real;
  const planted = plantedBugs[bug];
  if (!planted) {
    const names = Object.keys(plantedBugs).join(", ");
    throw new RangeError(`there is no bug "${bug}" to plant; there are: ${names}`);
  }
  return withBug(real, planted);
}

/** Runs one seed of the random scenario. Throws what it fails with, replay line and all. */
export function runSeed(
  seed: number,
  bug: string | null,
  watch?: (world: CheckedWorld) => void,
): RandomRun {
  return runRandomScenario({
    seed,
    makeNode: nodeMaker(bug),
    ...(watch ? { watch } : {}),
    ...(bug === null ? {} : { replayOptions: ` --bug ${bug}` }),
  });
}

/** Runs seeds one after the other, up to the first violation. */
export function huntSeeds({ from, count, bug }: Seeds): HuntShare {
  const totals = new HuntTotals();
  for (let seed = from; seed < from + count; seed += 1) {
    try {
      totals.addRun(runSeed(seed, bug));
    } catch (error) {
      return totals.share(failureText(error, seed));
    }
  }
  return totals.share(null);
}

/** A violation names its replay itself; anything else is a bug of the simulator's. */
function failureText(error: unknown, seed: number): string {
  if (!(error instanceof Error)) return String(error);
  if (error.message.includes("replay:")) return error.message;
  return `${error.stack ?? error.message}; replay: npm run -s sim -- --seed ${seed}`;
}
