/**
 * Hunts violations in simulated clusters.
 *
 * `npm run -s sim -- --seeds N [--from K] [--jobs J]` runs the random scenario with N seeds on J
 * threads, prints progress, what happened by kind and a last line of totals, and exits 1 with the
 * line that replays the first violation that it finds.
 * `--seed K [--scenario NAME] [--quiet]` replays one with its trace; NAME is `random` or a cell
 * such as "held x link cut". `--bug NAME` plants a bug in every core, to see it caught.
 * Exits 2 on a wrong command line.
 */
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import type { CheckedWorld } from "#lib/simulation/checked-world.ts";
import { readCellScenario, runMoveCell } from "#lib/simulation/move-cell.ts";
import { randomScenario } from "#lib/simulation/random-scenario.ts";
import { traceLine } from "#lib/simulation/trace-line.ts";
import { huntSeeds, nodeMaker, runSeed, type Seeds } from "./sim/hunt-seeds.ts";
import { type HuntShare, HuntTotals } from "./sim/hunt-totals.ts";

const progressMs = 2_000;
/** Seeds that a thread takes at a time: a second or two. */
const seedsAtOnce = 20;
const jobsMax = 64;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seeds: { type: "string" },
      from: { type: "string", default: "1" },
      jobs: { type: "string", default: "1" },
      seed: { type: "string" },
      scenario: { type: "string", default: randomScenario },
      bug: { type: "string" },
      quiet: { type: "boolean", default: false },
    },
  });
  const bug = values.bug ?? null;
  nodeMaker(bug);
  if (values.seed !== undefined) {
    const { scenario, quiet } = values;
    return replay({ seed: numberOf("--seed", values.seed), scenario, bug, quiet });
  }
  if (values.seeds === undefined) throw new RangeError("give --seeds N, or --seed K");
  const seeds = { from: numberOf("--from", values.from), count: numberOf("--seeds", values.seeds) };
  const jobs = numberOf("--jobs", values.jobs);
  if (jobs < 1 || jobs > jobsMax) throw new RangeError(`--jobs wants 1 to ${jobsMax}`);
  return await hunt({ ...seeds, bug }, jobs);
}

interface Replay {
  readonly seed: number;
  readonly scenario: string;
  readonly bug: string | null;
  readonly quiet: boolean;
}

function replay({ seed, scenario, bug, quiet }: Replay): number {
  const watch = (world: CheckedWorld) => {
    if (quiet) return;
    world.onFact((fact, nowMs) => {
      const line = traceLine(fact, nowMs);
      if (line !== undefined) console.log(line);
    });
  };
  const cell = readCellScenario(scenario);
  if (cell === undefined && scenario !== randomScenario) {
    throw new RangeError(`there is no scenario "${scenario}"`);
  }
  try {
    const result = cell
      ? `the VM runs at: ${runMoveCell({ ...cell, seed, makeNode: nodeMaker(bug) }, watch)}`
      : JSON.stringify(runSeed(seed, bug, watch));
    console.log(`seed ${seed}, ${scenario}: no violation; ${result}`);
    return 0;
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return 1;
  }
}

async function hunt(seeds: Seeds, jobs: number): Promise<number> {
  const startMs = performance.now();
  let toldMs = startMs;
  const totals = new HuntTotals();
  const failure = await huntShares(seeds, jobs, (share) => {
    totals.add(share);
    if (performance.now() - toldMs < progressMs) return;
    toldMs = performance.now();
    console.log(totals.progress(seeds.count));
  });
  if (failure !== null) {
    console.error(failure);
    return 1;
  }
  for (const line of totals.table()) console.log(line);
  const seconds = (performance.now() - startMs) / 1000;
  const last = seeds.from + seeds.count - 1;
  console.log(`seeds ${seeds.from} to ${last}: ${totals.line(seconds)}, no violation`);
  return 0;
}

/** Deals the seeds out to the threads; the first violation, or null. */
async function huntShares(
  { from, count, bug }: Seeds,
  jobs: number,
  done: (share: HuntShare) => void,
): Promise<string | null> {
  const shares: Seeds[] = [];
  for (let at = 0; at < count; at += seedsAtOnce) {
    shares.push({ from: from + at, count: Math.min(seedsAtOnce, count - at), bug });
  }
  let failure: string | null = null;
  const next = () => (failure === null ? shares.shift() : undefined);
  const take = (share: HuntShare) => {
    done(share);
    failure ??= share.failure;
  };
  if (jobs === 1) {
    for (let seeds = next(); seeds; seeds = next()) take(huntSeeds(seeds));
  } else {
    await Promise.all(Array.from({ length: jobs }, () => huntInThread(next, take)));
  }
  return failure;
}

/** One thread: it is sent a share, answers, and is sent the next, until there is none. */
function huntInThread(
  next: () => Seeds | undefined,
  take: (share: HuntShare) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL("./sim/hunt-worker.ts", import.meta.url));
    const send = () => {
      const seeds = next();
      if (seeds) worker.postMessage(seeds);
      else void worker.terminate().then(() => resolve());
    };
    worker.on("error", reject);
    worker.on("message", (share: HuntShare) => {
      take(share);
      send();
    });
    send();
  });
}

function numberOf(option: string, text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && Number.isSafeInteger(value) && value >= 0) return value;
  throw new RangeError(`${option} wants a whole number, not "${text}"`);
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(`sim: ${(error as Error).message}`);
  process.exitCode = 2;
}
