import {
  type BalanceOptions,
  type BalanceResult,
  runBalance,
} from "#lib/simulation/balance-run.ts";
import type { ClusterModel, Spread } from "#lib/simulation/cluster-model.ts";
import {
  type CentralGreedyOptions,
  centralGreedy,
} from "#lib/simulation/reference/central-greedy.ts";
import type { Row } from "./section.ts";

/** A cluster levelled by the agents and by a central brain, side by side. */
export interface Comparison {
  readonly moves: number;
  readonly spread: Spread;
  readonly greedyMoves: number;
  readonly greedySpread: Spread;
  /** The greedy made to stop after as many moves as the agents made, or to go on to any gain. */
  readonly greedyAtSameMoves: Spread;
  readonly run: BalanceResult;
  /** Time of this process for the agents' run, s. */
  readonly cpuSeconds: number;
}

export type RunOptions = Omit<BalanceOptions, "model" | "seed">;

export function compare(
  model: ClusterModel,
  seed: number,
  { greedy = {}, ...options }: RunOptions & { readonly greedy?: CentralGreedyOptions },
): Comparison {
  const plan = centralGreedy(model, greedy);
  const startedAt = process.cpuUsage();
  const run = runBalance({ ...options, model, seed });
  const used = process.cpuUsage(startedAt);
  return {
    moves: run.moves,
    spread: run.after,
    greedyMoves: plan.moves.length,
    greedySpread: plan.after,
    greedyAtSameMoves: centralGreedy(model, { movesMax: run.moves, gainMin: 0 }).after,
    run,
    cpuSeconds: (used.user + used.system) / 1_000_000,
  };
}

/** `36 .021/.024`: moves, standard deviations of CPU and of memory. */
export function movesAndSds(moves: number, spread: Spread): string {
  return `${moves} ${share(spread.cpuSd)}/${share(spread.memSd)}`;
}

/** The greedy's column: what it does, and what it reaches in as many moves as the agents made. */
export function greedyText({ moves, greedyMoves, greedySpread, greedyAtSameMoves }: Comparison) {
  const { cpuSd, memSd } = greedyAtSameMoves;
  const same = moves === greedyMoves ? "" : ` (in ${moves}: ${share(cpuSd)}/${share(memSd)})`;
  return `${movesAndSds(greedyMoves, greedySpread)}${same}`;
}

export function share(value: number): string {
  return value.toFixed(3).replace(/^0/, "");
}

export function comparisonFigures(comparison: Comparison): Row["figures"] {
  const { moves, spread, greedyMoves, greedySpread, run, cpuSeconds } = comparison;
  const { cpuSd: greedySameCpuSd, memSd: greedySameMemSd } = comparison.greedyAtSameMoves;
  return {
    moves,
    cpuSd: spread.cpuSd,
    memSd: spread.memSd,
    greedyMoves,
    greedyCpuSd: greedySpread.cpuSd,
    greedyMemSd: greedySpread.memSd,
    greedySameCpuSd,
    greedySameMemSd,
    movedGib: run.movedBytes / 2 ** 30,
    secondsTo95: run.secondsTo95,
    refusals: run.refusals,
    violations: run.violations,
    cpuSeconds,
  };
}
