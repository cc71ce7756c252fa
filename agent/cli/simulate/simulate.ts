import { closeSync, openSync, writeFileSync } from "node:fs";
import { type BalanceOptions, runBalance } from "#lib/simulation/balance-run.ts";
import { type ExitCode, exitCodes, UsageError } from "../cli-error.ts";
import { printJson, type VerbContext, type VerbRunner } from "../verb-context.ts";
import { LoadHistory } from "./load-history.ts";
import { loadScenario, type Scenario } from "./load-scenario.ts";
import { plotSvg } from "./plot-svg.ts";
import { ProgressLine } from "./progress-line.ts";
import { readSimulateOptions, type SimulateOptions } from "./read-options.ts";
import { reportLines } from "./report.ts";
import { runInRoomyProcess } from "./roomy-process.ts";
import type { SimulateResult } from "./simulate-result.ts";

/** `evenkeel simulate`: what the agents would do with a cluster, on a virtual clock in this process. */
export const simulate: VerbRunner = async (context, input) => {
  const options = readSimulateOptions(input.options);
  const scenario = loadScenario(options);
  const elsewhere = runInRoomyProcess(scenario.model.hosts.length);
  if (elsewhere !== null) return elsewhere;
  if (options.plot !== null) mustBeWritable(options.plot);
  // Without a picture nobody sees more than how it began and how it ended.
  const history = new LoadHistory(scenario.seconds, options.plot === null ? 1 : undefined);
  const result = run(scenario, options, { context, history });
  if (options.plot !== null) {
    const svg = plotSvg({ title: titleOf(scenario, result), history, result });
    writePlot(options.plot, svg);
  }
  show({ scenario, result, history, context });
  return exitCodeOfRun(result);
};

/** What must never be is a failure, whatever else came of the run. */
export function exitCodeOfRun({ violations }: Pick<SimulateResult, "violations">): ExitCode {
  return violations > 0 ? exitCodes.failed : exitCodes.ok;
}

function run(
  scenario: Scenario,
  options: SimulateOptions,
  { context, history }: { context: VerbContext; history: LoadHistory },
): SimulateResult {
  const { model, workload, seconds, speed } = scenario;
  const line = new ProgressLine(context.io, seconds, context.json);
  const { bandwidthMiBps, gainMin, maxMoves } = options;
  const balance: BalanceOptions = {
    model,
    seconds,
    seed: options.seed,
    noiseShare: options.noiseShare,
    lossShare: options.lossShare,
    faults: options.faults,
    check: options.check,
    ...(maxMoves === null ? {} : { maxMoves }),
    ...(gainMin === null ? {} : { settings: { gainMin } }),
    ...(bandwidthMiBps === null ? {} : { bandwidthBytesPerSecond: bandwidthMiBps * 2 ** 20 }),
    ...(workload === null ? {} : { workload }),
    progress: (progress) => {
      history.observe(progress);
      line.observe(progress);
    },
  };
  const result = runBalance(balance);
  line.end();
  const { user, system } = process.cpuUsage();
  return {
    ...result,
    // In seconds of the recording, however fast it was replayed.
    contentionVmSeconds: result.contentionVmSeconds * speed,
    cpuSeconds: (user + system) / 1e6,
    peakRssBytes: process.resourceUsage().maxRSS * 1024,
  };
}

function show(shown: {
  readonly scenario: Scenario;
  readonly result: SimulateResult;
  readonly history: LoadHistory;
  readonly context: VerbContext;
}): void {
  const { result, context } = shown;
  if (context.json) {
    printJson(context, inOrder(result));
    return;
  }
  for (const line of reportLines(shown)) context.io.out(line);
}

/** The documented fields first, then those that were added. */
function inOrder(result: SimulateResult): object {
  const { seconds, seed, contentionVmSeconds, central, faults, vmsDown, violationLog, ...first } =
    result;
  return { ...first, seconds, seed, contentionVmSeconds, central, faults, vmsDown, violationLog };
}

function titleOf({ title }: Scenario, { hosts, vms, seed }: SimulateResult): string {
  return `${hosts} hosts, ${vms} VMs (${title}), seed ${seed}`;
}

/** Asked before the run: nobody wants to hear of it after an hour. */
function mustBeWritable(file: string): void {
  try {
    closeSync(openSync(file, "a"));
  } catch (cause) {
    throw unwritable(file, cause);
  }
}

function writePlot(file: string, svg: string): void {
  try {
    writeFileSync(file, svg);
  } catch (cause) {
    throw unwritable(file, cause);
  }
}

function unwritable(file: string, cause: unknown): UsageError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new UsageError(`cannot write ${file}: ${reason}; name another file for --plot`, { cause });
}
