import { type BalanceResult, runBalance } from "#lib/simulation/balance-run.ts";
import type { ClusterModel } from "#lib/simulation/cluster-model.ts";
import { centralRounds } from "#lib/simulation/reference/central-rounds.ts";
import { syntheticCluster } from "#lib/simulation/synthetic-cluster.ts";
import { noisyCores } from "./noisy-cores.ts";
import { type Row, type Section, verdictOf } from "./section.ts";

const NOISE_SHARE = 0.1;
/** Level by then, by far; what comes later is chasing noise. */
const SETTLED_SECONDS = 300;
const HOUR_SECONDS = 3600;
const MOVES_PER_100_HOSTS_AND_MINUTE_MAX = 1;
/** A VM's first rest; it doubles with each move that follows closely. */
const REST_SECONDS = 60;

export const quietHour: Section = {
  name: "hour",
  title: "The hour after levelling, 10 % noise: moves per 100 hosts and minute",
  notes: [
    `Counted from ${SETTLED_SECONDS} s on. Rests: how often a VM moved again within its cool-down of ${REST_SECONDS} s, doubled for each move that followed closely. Central = every second the best moves of the whole cluster by the loads of that second, gain above .003, one in and one out a host.`,
  ],
  *run({ isQuick, say }) {
    for (const { hosts, seed } of isQuick
      ? [{ hosts: 30, seed: 1 }]
      : [
          { hosts: 30, seed: 1 },
          { hosts: 100, seed: 2 },
        ]) {
      const seconds = SETTLED_SECONDS + (isQuick ? HOUR_SECONDS / 4 : HOUR_SECONDS);
      say(`an hour of ${hosts} hosts`);
      const model = syntheticCluster({ hosts, vmsPerHost: 10, seed });
      const run = runBalance({ model, seed, seconds, noiseShare: NOISE_SHARE, check: false });
      yield rowOf(`${hosts} hosts, seed ${seed}, ${seconds - SETTLED_SECONDS} s`, {
        run,
        centralMoves: lateCentralMoves(model, { seconds, seed }),
      });
    }
  },
};

/** What a central brain goes on moving, chasing noise. */
function lateCentralMoves(
  model: ClusterModel,
  { seconds, seed }: { readonly seconds: number; readonly seed: number },
): number {
  const movesBy = (end: number) =>
    centralRounds(model, {
      seconds: end,
      cpuCoresAt: noisyCores(model, { seed, noiseShare: NOISE_SHARE }),
    }).moves;
  return movesBy(seconds) - movesBy(SETTLED_SECONDS);
}

interface Outcome {
  readonly run: BalanceResult;
  /** After everything was settled. */
  readonly centralMoves: number;
}

function rowOf(what: string, { run, centralMoves }: Outcome): Row {
  const late = run.moveLog.filter(({ second }) => second > SETTLED_SECONDS);
  const minutes = (run.seconds - SETTLED_SECONDS) / 60;
  const rateOf = (moves: number) => moves / (run.hosts / 100) / minutes;
  const rate = rateOf(late.length);
  const broken = brokenRests(run.moveLog);
  const { cpuSd, memSd } = run.after;
  return {
    what,
    reach: `<= ${MOVES_PER_100_HOSTS_AND_MINUTE_MAX}, no rest broken`,
    ours: `${rate.toFixed(2)} (${late.length} moves), ${broken} rests broken`,
    central: `${rateOf(centralMoves).toFixed(2)} (${centralMoves} moves)`,
    verdict: verdictOf(rate <= MOVES_PER_100_HOSTS_AND_MINUTE_MAX && broken === 0),
    figures: { rate, lateMoves: late.length, moves: run.moves, centralMoves, broken, cpuSd, memSd },
  };
}

/** Moves of a VM that came before its rest after the one before was over. */
export function brokenRests(log: readonly { readonly second: number; readonly vm: string }[]) {
  const last = new Map<string, { second: number; restSeconds: number }>();
  let broken = 0;
  for (const { second, vm } of log) {
    const before = last.get(vm);
    const sinceSeconds = second - (before?.second ?? Number.NEGATIVE_INFINITY);
    const restBefore = before?.restSeconds ?? 0;
    if (sinceSeconds < restBefore) broken += 1;
    // After twice its rest a VM's past moves are forgotten.
    const isClose = before !== undefined && sinceSeconds <= 2 * restBefore;
    last.set(vm, { second, restSeconds: isClose ? 2 * restBefore : REST_SECONDS });
  }
  return broken;
}
