import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { runBalance } from "#lib/simulation/balance-run.ts";
import { contentionVmSeconds, type TimedMove } from "#lib/simulation/reference/contention.ts";
import { periodicGreedy } from "#lib/simulation/reference/periodic-greedy.ts";
import { readTrace } from "#lib/simulation/traces/read-trace.ts";
import type { Trace } from "#lib/simulation/traces/trace.ts";
import { traceCluster } from "#lib/simulation/traces/trace-cluster.ts";
import { TraceWorkload } from "#lib/simulation/traces/trace-workload.ts";
import { vmAliases } from "#lib/simulation/vm-aliases.ts";
import { type Row, type Section, skippedRow, verdictOf } from "./section.ts";

const FILE = "bitbrains/rnd-2013-8.bbv.gz";
const HOSTS = 50;
/** So that the week's peaks ask for half of it all: with more there is no contention to speak of. */
const HOST_CORES = 12;
const DAY_SECONDS = 86_400;
/** The busiest day of the week. */
const QUICK_FROM_SECOND = 6 * DAY_SECONDS;
/** Seconds of the recording in one of the simulation: the week takes minutes, not hours. */
const SPEED = 10;
const LINK_BYTES_PER_SECOND = 2 ** 30;
const GREEDY_EVERY_SECONDS = 300;
const MOVES_SHARE_MAX = 1 / 3;

export const bitbrains: Section = {
  name: "bitbrains",
  title: "Recorded loads: 500 VMs of Bitbrains rnd on 50 hosts, VM-seconds in contention and moves",
  notes: [
    `VM-seconds in contention = time integral of the number of VMs on hosts whose VMs ask for more CPU than the host has, in seconds of the recording, counted the same way for both (lib/simulation/reference/contention.ts). Hosts have ${HOST_CORES} cores: at the week's peaks the VMs ask for half of them.`,
    "Central = greedy every 5 minutes, gain above .003, on the loads of that very moment, its moves taking no time. The recording has a sample every 5 minutes: the timer falls in the middle between two of them, as on average; just after each sample it would have no delay at all.",
    `To reach: less contention with at most a third of the moves. Replayed ${SPEED} times as fast as recorded, over links as many times faster: agents sample, decide and rest ${SPEED} times more slowly than they would.`,
  ],
  *run({ dataFolder, isQuick, say }) {
    const path = dataFolder === null ? "" : join(dataFolder, FILE);
    if (!existsSync(path)) {
      yield skippedRow("Bitbrains rnd", FILE);
      return;
    }
    const trace = readTrace(gunzipSync(readFileSync(path)), () => "");
    const days = isQuick ? 1 : 7;
    say(`Bitbrains, ${days} days`);
    const fromSecond = isQuick ? QUICK_FROM_SECOND : 0;
    yield replayRow(trace, { seconds: days * DAY_SECONDS, fromSecond });
  },
};

interface Replay {
  readonly seconds: number;
  /** Of the recording. */
  readonly fromSecond: number;
}

function replayRow(trace: Trace, { seconds, fromSecond }: Replay): Row {
  const model = traceCluster({ trace, hosts: HOSTS, hostCores: HOST_CORES, fromSecond });
  const cpuCoresAt = (vm: number, second: number) => trace.cpuCoresAt(vm, fromSecond + second);
  const contention = (moves: readonly TimedMove[]) =>
    contentionVmSeconds(model, { seconds, stepSeconds: trace.stepSeconds, cpuCoresAt, moves });
  const greedyMoves = periodicGreedy(model, {
    seconds,
    everySeconds: GREEDY_EVERY_SECONDS,
    firstAtSecond: GREEDY_EVERY_SECONDS / 2,
    cpuCoresAt,
  });
  const indexOf = new Map([...vmAliases(model.vms).keys()].map((alias, index) => [alias, index]));
  const run = runBalance({
    model,
    seed: 1,
    seconds: Math.round(seconds / SPEED),
    workload: new TraceWorkload({ trace, indexOf, fromSecond, speed: SPEED }),
    bandwidthBytesPerSecond: LINK_BYTES_PER_SECOND * SPEED,
    check: false,
  });
  const moves = run.moveLog.map(({ second, vm, to }) => ({ second: second * SPEED, vm, to }));
  const ours = contention(moves);
  const theirs = contention(greedyMoves);
  const untouched = contention([]);
  const text = (count: number, vmSeconds: number) => `${count} moves, ${vmSeconds.toFixed(0)} VM-s`;
  const movesMax = Math.floor(greedyMoves.length * MOVES_SHARE_MAX);
  return {
    what: `${seconds / DAY_SECONDS} days; nobody moves: ${untouched.toFixed(0)} VM-s`,
    reach: `< ${text(movesMax, theirs)}`,
    ours: text(run.moves, ours),
    central: text(greedyMoves.length, theirs),
    verdict: verdictOf(ours < theirs && run.moves <= movesMax),
    figures: {
      moves: run.moves,
      contentionVmSeconds: ours,
      greedyMoves: greedyMoves.length,
      greedyContentionVmSeconds: theirs,
      untouchedContentionVmSeconds: untouched,
      movedGib: run.movedBytes / 2 ** 30,
    },
  };
}
