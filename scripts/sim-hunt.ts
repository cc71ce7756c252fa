/**
 * Hunts violations in simulated clusters.
 *
 * `npm run -s sim -- --seeds N [--from K]` runs the random scenario with N seeds, prints progress
 * and totals, and exits 1 with the line that replays the first violation.
 * `--seed K [--scenario NAME] [--trace]` runs one; NAME is `random` or a cell such as
 * "held x link cut". Exits 2 on a wrong command line.
 */
import { parseArgs } from "node:util";
import { Node } from "#lib/core/node.ts";
import type { NodeOptions } from "#lib/core/node-options.ts";
import type { CheckedWorld } from "#lib/simulation/checked-world.ts";
import { FaultTally } from "#lib/simulation/faults/fault-tally.ts";
import { readCellScenario, runMoveCell } from "#lib/simulation/move-cell.ts";
import { randomScenario, runRandomScenario } from "#lib/simulation/random-scenario.ts";
import { traceLine } from "#lib/simulation/trace-line.ts";

const progressMs = 2_000;
const makeNode = (options: NodeOptions) => new Node(options);

function main(): number {
  const { values } = parseArgs({
    options: {
      seeds: { type: "string" },
      from: { type: "string", default: "1" },
      seed: { type: "string" },
      scenario: { type: "string", default: randomScenario },
      trace: { type: "boolean", default: false },
    },
  });
  if (values.seed !== undefined) {
    return replay(numberOf("--seed", values.seed), values.scenario, values.trace);
  }
  if (values.seeds === undefined) throw new RangeError("give --seeds N, or --seed K");
  return hunt(numberOf("--from", values.from), numberOf("--seeds", values.seeds));
}

function replay(seed: number, scenario: string, trace: boolean): number {
  const watch = (world: CheckedWorld) => {
    if (!trace) return;
    world.onFact((fact, nowMs) => {
      const line = traceLine(fact, nowMs);
      if (line !== undefined) console.log(line);
    });
  };
  const cell = readCellScenario(scenario);
  if (cell === undefined && scenario !== randomScenario) {
    throw new RangeError(`there is no scenario "${scenario}"`);
  }
  return guarded(() => {
    const result = cell
      ? `the VM runs at: ${runMoveCell({ ...cell, seed, makeNode }, watch)}`
      : JSON.stringify(runRandomScenario({ seed, makeNode, watch }));
    console.log(`seed ${seed}, ${scenario}: no violation; ${result}`);
  });
}

function hunt(from: number, seeds: number): number {
  const startMs = performance.now();
  let toldMs = startMs;
  const totals = { faults: new FaultTally(), moves: new FaultTally(), virtualMs: 0 };
  for (let seed = from; seed < from + seeds; seed += 1) {
    const failed = guarded(() => {
      const run = runRandomScenario({ seed, makeNode });
      for (const [k, v] of Object.entries(run.faults)) totals.faults.add(k, v);
      for (const [k, v] of Object.entries(run.moves)) totals.moves.add(k, v);
      totals.virtualMs += run.virtualMs;
    });
    if (failed !== 0) return failed;
    if (performance.now() - toldMs < progressMs) continue;
    toldMs = performance.now();
    console.log(`${seed - from + 1} of ${seeds} seeds, ${totals.moves.total} moves`);
  }
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  const hours = (totals.virtualMs / 3_600_000).toFixed(1);
  console.log(
    `seeds ${from} to ${from + seeds - 1}: ${JSON.stringify(totals.faults.counts())} ${JSON.stringify(totals.moves.counts())} faults, ${totals.moves.total} moves, ` +
      `${hours} virtual hours in ${seconds} s, no violation`,
  );
  return 0;
}

/** 0 when `run` returns; 1 with one line when it threw. */
function guarded(run: () => void): number {
  try {
    run();
    return 0;
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return 1;
  }
}

function numberOf(option: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new RangeError(`${option} wants a whole number, not "${text}"`);
}

try {
  process.exitCode = main();
} catch (error) {
  console.error(`sim: ${(error as Error).message}`);
  process.exitCode = 2;
}
