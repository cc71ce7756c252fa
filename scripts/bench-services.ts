/**
 * What services cost many hosts: `npm run -s bench:services -- [--hosts 1000] [--services 100]
 * [--staged 6] [--switches 2] [--crowds 10] [--seed 1] [--json]`.
 *
 * Responsible for: one simulated cluster of agents' cores with all checkers of the random hunt, on a
 * virtual clock: joined, measured without services, with them in calm, then with a crowd of five
 * times the load that comes to some of them at one moment; a table of what that took.
 * How: progress on stderr, the table (or one line of JSON) on stdout. CPU is measured, time is the
 * simulator's. It never touches a network or a real guest. Exits 1 when a checker objects, 2 on a
 * wrong command line.
 */
import { parseArgs } from "node:util";
import { SimulationFailure } from "#lib/simulation/simulation-failure.ts";
import { wholeNumber } from "./bench/whole-number.ts";
import { type ServiceRun, ServiceScaleRun } from "./scale/service-run.ts";
import { type StewardFigures, StewardMeter } from "./scale/steward-meter.ts";

function main(): void {
  const { values } = parseArgs({
    options: {
      hosts: { type: "string", default: "1000" },
      services: { type: "string", default: "100" },
      staged: { type: "string", default: "6" },
      switches: { type: "string", default: "2" },
      crowds: { type: "string", default: "10" },
      seed: { type: "string", default: "1" },
      json: { type: "boolean", default: false },
    },
  });
  const meter = new StewardMeter();
  meter.install();
  const run = new ServiceScaleRun(
    {
      hosts: wholeNumber(values.hosts),
      services: wholeNumber(values.services),
      staged: wholeNumber(values.staged),
      switches: wholeNumber(values.switches),
      crowds: wholeNumber(values.crowds),
      seed: wholeNumber(values.seed),
      say: (line) => void process.stderr.write(`bench: ${line}\n`),
    },
    meter,
  ).run();
  const { user, system } = process.cpuUsage();
  const process_ = {
    cpuSeconds: Math.round((user + system) / 1e6),
    peakGiB: Number((process.resourceUsage().maxRSS / 2 ** 20).toFixed(2)),
  };
  const lines = values.json ? [JSON.stringify({ ...run, ...process_ })] : tableOf(run, process_);
  for (const line of lines) process.stdout.write(`${line}\n`);
  if (run.violations.length > 0) process.exitCode = 1;
}

function tableOf(run: ServiceRun, cost: { cpuSeconds: number; peakGiB: number }): string[] {
  const { absorbedSeconds, without, calm, crowd } = run;
  const known = absorbedSeconds.flatMap((seconds) => seconds ?? []).sort((a, b) => a - b);
  const late = absorbedSeconds.length - known.length;
  const absorbed = `${known[Math.floor(known.length / 2)] ?? "-"}, ${known.at(-1) ?? "-"}`;
  const rows: readonly (readonly [string, string])[] = [
    ["hosts, services", `${run.hosts}, ${run.services}`],
    ["staged and serving after the last apply", `${run.stagedSeconds ?? "not in time"} s`],
    ["a steward's decision, in calm", timesOf(calm.stewards)],
    ["a steward's decision, in the crowd", timesOf(crowd.stewards)],
    ...[without, calm, crowd].map((stretch, at): [string, string] => [
      `messages and bytes a host and second, ${["without services", "in calm", "in the crowd"][at]}`,
      `${stretch.messages.toFixed(2)}, ${stretch.bytes.toFixed(0)} (CPU ${stretch.cpuUs.toFixed(0)} µs)`,
    ]),
    [
      `${absorbedSeconds.length} crowds absorbed after (median, worst)`,
      `${absorbed} s${late > 0 ? `, ${late} not` : ""}`,
    ],
    ["answers in the crowd: granted, refused", answersOf(crowd.stewards)],
    ["violations", run.violations.length === 0 ? "none" : run.violations.join("; ")],
    ["the run: CPU, peak memory", `${cost.cpuSeconds} s, ${cost.peakGiB} GiB`],
  ];
  return ["| what | figure |", "|---|---|", ...rows.map((row) => `| ${row.join(" | ")} |`)];
}

function timesOf({ decisions, meanMs, p99Ms, worstMs }: StewardFigures): string {
  const [mean, p99, worst] = [meanMs, p99Ms, worstMs].map((ms) => ms.toFixed(3));
  return `mean ${mean} ms, p99 ${p99}, worst ${worst} (${decisions} decisions)`;
}

function answersOf({ grants, refusals, refusalsSoon }: StewardFigures): string {
  return `${grants}, ${refusals} (${refusalsSoon} for want of news)`;
}

try {
  main();
} catch (error) {
  if (error instanceof SimulationFailure) {
    process.stdout.write(`violation: ${error.message}\n`);
    process.exitCode = 1;
  } else if (error instanceof RangeError || error instanceof TypeError) {
    process.stderr.write(`bench-services: ${error.message}\n`);
    process.exitCode = 2;
  } else throw error;
}
