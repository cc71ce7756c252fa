/**
 * What an agent costs: `npm run -s bench:agent -- --members 24 [--seconds 60] [--json]`.
 *
 * Responsible for: figures of a whole cluster of bundled agents on this machine, with everything on
 * and simulated guests, and of Debian's serf under the same conditions beside it when installed.
 * How: build, start, settle, measure while nothing happens, change something, kill one; agents are
 * judged from outside (/proc, their sockets).
 * It never runs the two kinds at once, and removes what it started, whatever happens.
 */
import { loadavg } from "node:os";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { tableLines } from "#agent/cli/table.ts";
import { build } from "./bench/built-entries.ts";
import { measureEvenkeel } from "./bench/evenkeel-cluster.ts";
import { type ClusterFigures, rounded, type Spread } from "./bench/figures.ts";
import { isSerfHere, measureSerf } from "./bench/serf-cluster.ts";

const MEMBERS_MAX = 200;
const SECONDS_MAX = 3_600;

interface Report {
  readonly evenkeel: ClusterFigures;
  readonly serf: ClusterFigures | null;
  /** evenkeel's figure over serf's; null where one of them is missing. */
  readonly ratios: Readonly<Record<string, number | null>> | null;
  /** Load average of the machine at the begin: figures of a busy machine are upper bounds. */
  readonly machineLoadAtStart: number;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      members: { type: "string", default: "8" },
      seconds: { type: "string", default: "60" },
      json: { type: "boolean", default: false },
      "no-serf": { type: "boolean", default: false },
      profile: { type: "string" },
    },
  });
  const members = wholeNumber("--members", values.members, { min: 2, max: MEMBERS_MAX });
  const seconds = wholeNumber("--seconds", values.seconds, { min: 1, max: SECONDS_MAX });
  const say = (line: string) => void process.stderr.write(`bench: ${line}\n`);
  const machineLoadAtStart = rounded(loadavg()[0] ?? 0);
  say("building the bundle");
  build();
  const profileFolder = values.profile === undefined ? null : resolve(values.profile);
  const options = { members, seconds, say, profileFolder };
  const evenkeel = await measureEvenkeel(options);
  const withSerf = !values["no-serf"] && (await isSerfHere());
  if (!withSerf) say("serf is not measured (apt-get install serf)");
  const serf = withSerf ? await measureSerf(options) : null;
  const report = { evenkeel, serf, ratios: serf && ratiosOf(evenkeel, serf), machineLoadAtStart };
  if (values.json) process.stdout.write(`${JSON.stringify(report)}\n`);
  else for (const line of reportLines(report)) process.stdout.write(`${line}\n`);
}

function ratiosOf(ours: ClusterFigures, theirs: ClusterFigures): Report["ratios"] {
  const ratio = (mine: number | undefined | null, other: number | undefined | null) =>
    typeof mine === "number" && typeof other === "number" && other > 0
      ? rounded(mine / other)
      : null;
  return {
    cpuPercent: ratio(ours.cpuPercent.median, theirs.cpuPercent.median),
    rssMb: ratio(ours.rssMb.median, theirs.rssMb.median),
    newsEverywhereSeconds: ratio(
      ours.newsEverywhereSeconds?.median,
      theirs.newsEverywhereSeconds?.median,
    ),
    killKnownSeconds: ratio(ours.killKnownSeconds, theirs.killKnownSeconds),
  };
}

const ROWS: readonly { readonly key: keyof ClusterFigures; readonly title: string }[] = [
  { key: "cpuPercent", title: "CPU of an agent, % of a core" },
  { key: "rssMb", title: "memory (RSS) of an agent, MB" },
  { key: "sentBytesPerSecond", title: "sent by an agent, bytes/s" },
  { key: "newsAgeSeconds", title: "age of the news about a host, s" },
  { key: "newsEverywhereSeconds", title: "a change known everywhere, s" },
  { key: "killDoubtedSeconds", title: "kill -9 until nobody holds it alive, s" },
  { key: "killKnownSeconds", title: "kill -9 known to all, s" },
  { key: "falseSuspicions", title: "false suspicions in the window" },
  { key: "falseDeaths", title: "false deaths in the window" },
];

function reportLines({ evenkeel, serf, ratios, machineLoadAtStart }: Report): readonly string[] {
  const columns = [
    { title: `${evenkeel.members} AGENTS, ${evenkeel.seconds} S (MEDIAN / MAX)` },
    { title: "EVENKEEL", align: "right" as const },
    { title: "SERF", align: "right" as const },
    { title: "RATIO", align: "right" as const },
  ];
  const rows = ROWS.map(({ key, title }) => [
    title,
    cellText(evenkeel[key]),
    serf === null ? "-" : cellText(serf[key]),
    String(ratios?.[key] ?? "-"),
  ]);
  return [...tableLines(columns, rows), `load average at the start: ${machineLoadAtStart}`];
}

function cellText(figure: Spread | number | null): string {
  if (figure === null) return "-";
  if (typeof figure === "number") return shortNumber(figure);
  return `${shortNumber(figure.median)} / ${shortNumber(figure.max)}`;
}

function shortNumber(value: number): string {
  return value >= 100 ? value.toFixed(0) : String(Number(value.toFixed(2)));
}

function wholeNumber(option: string, text: string, { min, max }: { min: number; max: number }) {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= min && value <= max) return value;
  throw new RangeError(`${option} wants a whole number from ${min} to ${max}, not "${text}"`);
}

try {
  await main();
} catch (error) {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = error instanceof RangeError ? 2 : 1;
}
