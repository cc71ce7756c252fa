/**
 * A flash crowd met by sleeping members and by cold boots: `npm run -s bench:crowd -- [--json]`.
 *
 * Responsible for: how long it takes until requests are answered in time again after their rate has
 * grown fivefold within a second, and how many are lost: with members that are resumed, and beside
 * it, in the same run, with the same guests booted at the same moments.
 * How: three real agents, real guests and a real HAProxy. First a service, whose steward resumes
 * members as it sees fit; then the same VMs without a service, started by the same agents each at the
 * moment after the crowd's begin at which a member was resumed before. The boots are told to
 * HAProxy without any gossip between: that is to their favour.
 * It never leaves a guest behind.
 */
import { loadavg } from "node:os";
import { parseArgs } from "node:util";
import { tableLines } from "#agent/cli/table.ts";
import { rounded } from "./bench/figures.ts";
import { guestImage } from "./lab/guest-image.ts";
import { CrowdBench, type CrowdResult } from "./services/crowd-bench.ts";
import { DemoCluster } from "./services/demo-cluster.ts";
import { TARGET_MS } from "./services/demo-plan.ts";

const INTERRUPTED = 130;

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { json: { type: "boolean", default: false } } });
  const machineLoadAtStart = rounded(loadavg()[0] ?? 0);
  const image = await guestImage();
  const bench = new CrowdBench(new DemoCluster(image, "loopback"), image);
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    // The fleet's guard removes everything.
    process.on(name, () => process.exit(INTERRUPTED));
  }
  try {
    process.stderr.write("bench: a crowd comes, members are resumed\n");
    const resumed = await bench.resumed();
    process.stderr.write("bench: the same crowd comes, members are booted\n");
    const booted = await bench.booted(resumed.decidedMs);
    const machineLoadAtEnd = rounded(loadavg()[0] ?? 0);
    const report = { resumed, booted, targetMs: TARGET_MS, machineLoadAtStart, machineLoadAtEnd };
    for (const line of reportLines(resumed, booted)) process.stdout.write(`${line}\n`);
    process.stdout.write(`load average: ${machineLoadAtStart} at the start, ${machineLoadAtEnd}\n`);
    if (values.json) process.stdout.write(`${JSON.stringify(report)}\n`);
  } finally {
    await bench.close();
  }
}

function reportLines(resumed: CrowdResult, booted: CrowdResult): readonly string[] {
  const columns = [
    { title: "FIVE TIMES THE REQUESTS WITHIN A SECOND" },
    ...["RESUMED", "BOOTED", "RATIO"].map((title) => ({ title, align: "right" as const })),
  ];
  const row = (words: string, figure: (result: CrowdResult) => number | null) => {
    const [one, other] = [figure(resumed), figure(booted)];
    const shown = (value: number | null) => value?.toFixed() ?? "-";
    const ratio = one && other ? (other / one).toFixed(1) : "-";
    return [words, shown(one), shown(other), ratio];
  };
  return tableLines(columns, [
    row(`until p99 is under ${TARGET_MS} ms for 5 s again, s`, (one) => one.secondsToRecover),
    row("until the first second of which that holds, s", (one) => one.secondsToFirstGood),
    row("requests lost", (one) => one.requestsLost),
    row("requests", (one) => one.requests),
    row("p99 before the crowd, ms", (one) => one.p99MsBefore),
    row("p99 from the crowd on, ms", (one) => one.p99MsCrowd),
    row("slowest request, ms", (one) => one.worstMs),
    row("decision to requests, slowest member, ms", (one) => most(one.comingMs)),
    row("members that came", (one) => one.comingMs.length),
    row("last decision, ms after the crowd's begin", (one) => most(one.decidedMs)),
  ]);
}

function most(values: readonly number[]): number | null {
  return values.length === 0 ? null : Math.max(...values);
}

try {
  await main();
} catch (error) {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  process.exitCode = code.startsWith("ERR_PARSE_ARGS") ? 2 : 1;
}
