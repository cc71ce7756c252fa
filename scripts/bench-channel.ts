/**
 * How fast evenkeel's migration channel is: `npm run -s bench:channel -- [--seconds 5] [--turns 3] [--json]`.
 *
 * Responsible for: MB/s and CPU a GB of the channel (UNIX socket, TLS 1.3, UNIX socket, two
 * processes, loopback), beside TCP without anything between and two socats with TLS 1.3 and the
 * same cipher; and how soon an agent answers while a channel runs at full speed.
 * How: one process pours, one drinks, the same for all; the kinds take turns of so many seconds,
 * after half a second of warming up. Then a real agent with simulated guests is asked for its
 * status (each time over a new connection) and probed by UDP, first with nothing else and then
 * beside the two processes of a channel, on the same machine. The times are those that the asker
 * sees, who has to share the machine as well.
 * It never leaves a process behind. socat and openssl are Debian's: `apt-get install socat openssl`.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { tableLines } from "#agent/cli/table.ts";
import { median } from "#lib/base/stats.ts";
import { type AnswerFigures, AnswerTimes } from "./bench/answer-times.ts";
import { exitCodeOf } from "./bench/exit-code.ts";
import { rounded, spreadOf } from "./bench/figures.ts";
import { cpuSecondsOf } from "./bench/process-figures.ts";
import { type OpenCarrier, openChannel, openTcp, socatCarrier } from "./bench/stream-carriers.ts";
import { StreamPair } from "./bench/stream-pair.ts";

const SECONDS_MAX = 600;
const TURNS_MAX = 20;
const WARM_UP_MS = 500;
/** As much as the channel itself takes at once. */
const LARGE_BLOCK_BYTES = 65_536;
const KINDS = ["tcp", "socat", "socatLarge", "channel"] as const;
type Kind = (typeof KINDS)[number];
const CARRIERS: Readonly<Record<Kind, { title: string; open: OpenCarrier }>> = {
  tcp: { title: "TCP, nothing between", open: openTcp },
  socat: { title: "socat with TLS", open: socatCarrier(null) },
  socatLarge: { title: "socat with TLS, -b 65536", open: socatCarrier(LARGE_BLOCK_BYTES) },
  channel: { title: "evenkeel's channel", open: openChannel },
};

interface Turn {
  readonly mbPerSecond: number;
  /** Of what is between the two programs, both ends together. */
  readonly cpuSecondsPerGb: number;
  /** The two programs counted, too. */
  readonly wholeCpuSecondsPerGb: number;
}

type Report = ReturnType<typeof figuresOf> & {
  readonly seconds: number;
  readonly turns: number;
  readonly idle: AnswerFigures;
  readonly busy: AnswerFigures;
  readonly machineLoadAtStart: number;
  readonly machineLoadAtEnd: number;
};

async function main(): Promise<void> {
  const { seconds, turns, json } = orderOf();
  const needed = [spawnSync("socat", ["-V"]), spawnSync("openssl", ["version"])];
  const missing = ["socat", "openssl"].filter((_, i) => needed[i]?.status !== 0);
  if (missing.length > 0) {
    throw new Error(`not installed: ${missing.join(", ")} (apt-get install ${missing.join(" ")})`);
  }
  const machineLoadAtStart = rounded(loadavg()[0] ?? 0);
  const all = new Map<Kind, Turn[]>(KINDS.map((kind) => [kind, []]));
  for (let turn = 1; turn <= turns; turn += 1) {
    for (const kind of KINDS) {
      const figures = await beside(CARRIERS[kind].open, (of) => flowOf(of, seconds));
      all.get(kind)?.push(figures);
      process.stderr.write(`bench: ${kind} ${Math.round(figures.mbPerSecond)} MB/s\n`);
    }
  }
  const answers = await answersOf(seconds);
  const machineLoadAtEnd = rounded(loadavg()[0] ?? 0);
  const loads = { machineLoadAtStart, machineLoadAtEnd };
  const report: Report = { ...figuresOf(all), seconds, turns, ...answers, ...loads };
  for (const line of reportLines(report)) process.stdout.write(`${line}\n`);
  if (json) process.stdout.write(`${JSON.stringify(report)}\n`);
}

function orderOf() {
  const { values } = parseArgs({
    options: {
      seconds: { type: "string", default: "5" },
      turns: { type: "string", default: "3" },
      json: { type: "boolean", default: false },
    },
  });
  const whole = (name: "seconds" | "turns", max: number) => {
    const value = Number(values[name]);
    if (Number.isSafeInteger(value) && value >= 1 && value <= max) return value;
    throw new RangeError(`--${name} wants a whole number from 1 to ${max}`);
  };
  const [seconds, turns] = [whole("seconds", SECONDS_MAX), whole("turns", TURNS_MAX)];
  return { seconds, turns, json: values.json };
}

interface Flow {
  readonly pair: StreamPair;
  /** Of the carrier. */
  readonly pids: readonly number[];
}

/** Does `work` while a stream flows through what `open` makes. */
async function beside<Value>(
  open: OpenCarrier,
  work: (flow: Flow) => Promise<Value>,
): Promise<Value> {
  const folder = mkdtempSync(join(tmpdir(), "ek-bench-"));
  const pair = new StreamPair();
  try {
    const carrier = await open(pair, folder);
    try {
      await pause(WARM_UP_MS);
      return await work({ pair, pids: carrier.pids });
    } finally {
      await carrier.close();
    }
  } finally {
    await pair.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function flowOf({ pair, pids }: Flow, seconds: number): Promise<Turn> {
  const cpu = (of: readonly number[]) => of.reduce((sum, pid) => sum + cpuSecondsOf(pid), 0);
  const look = async () => ({
    bytes: await pair.receivedBytes(),
    atMs: performance.now(),
    carrier: cpu(pids),
    ends: cpu(pair.pids),
  });
  const before = await look();
  await pause(seconds * 1000);
  const after = await look();
  const gb = (after.bytes - before.bytes) / 1e9;
  if (gb === 0) throw new Error("nothing came through");
  const carrier = after.carrier - before.carrier;
  return {
    mbPerSecond: (gb * 1e6) / (after.atMs - before.atMs),
    cpuSecondsPerGb: carrier / gb,
    wholeCpuSecondsPerGb: (carrier + after.ends - before.ends) / gb,
  };
}

/** How soon an agent answers, without a channel and beside one. */
async function answersOf(seconds: number) {
  const times = new AnswerTimes();
  try {
    await times.start();
    const idle = await times.measure(seconds);
    const busy = await beside(openChannel, () => times.measure(seconds));
    return { idle, busy };
  } finally {
    await times.close();
  }
}

function figuresOf(all: ReadonlyMap<Kind, readonly Turn[]>) {
  const turnsOf = (kind: Kind) => all.get(kind) ?? [];
  const figure = (kind: Kind) => {
    const of = (value: (turn: Turn) => number) => rounded(median(turnsOf(kind).map(value)));
    const { max } = spreadOf(turnsOf(kind).map(({ mbPerSecond }) => mbPerSecond));
    return {
      mbPerSecond: of(({ mbPerSecond }) => mbPerSecond),
      mbPerSecondMax: max,
      cpuSecondsPerGb: of(({ cpuSecondsPerGb }) => cpuSecondsPerGb),
      wholeCpuSecondsPerGb: of(({ wholeCpuSecondsPerGb }) => wholeCpuSecondsPerGb),
    };
  };
  const [tcp, socat] = [figure("tcp"), figure("socat")];
  const [socatLarge, channel] = [figure("socatLarge"), figure("channel")];
  const ratio = (rival: { mbPerSecond: number }) =>
    rounded(channel.mbPerSecond / rival.mbPerSecond);
  const ratios = {
    ratioTcp: ratio(tcp),
    ratioSocat: ratio(socat),
    ratioSocatLarge: ratio(socatLarge),
  };
  return { tcp, socat, socatLarge, channel, ...ratios };
}

function reportLines(report: Report): readonly string[] {
  const right = "right" as const;
  const flows = tableLines(
    [
      { title: `STREAM ON LOOPBACK, ${report.turns} x ${report.seconds} s` },
      { title: "MEDIAN MB/s", align: right },
      { title: "BEST", align: right },
      { title: "CPU s/GB", align: right },
      { title: "WITH BOTH PROGRAMS", align: right },
    ],
    KINDS.map((kind) => {
      const { mbPerSecond, mbPerSecondMax, cpuSecondsPerGb, wholeCpuSecondsPerGb } = report[kind];
      const rates = [mbPerSecond, mbPerSecondMax].map((rate) => rate.toFixed(0));
      const costs = [cpuSecondsPerGb, wholeCpuSecondsPerGb].map((cost) => cost.toFixed(2));
      return [CARRIERS[kind].title, ...rates, ...costs];
    }),
  );
  const answers = tableLines(
    [
      { title: "AN AGENT ANSWERS, ms" },
      { title: "STATUS p50", align: right },
      { title: "p99", align: right },
      { title: "PROBE p50", align: right },
      { title: "p99", align: right },
    ],
    (["idle", "busy"] as const).map((when) => {
      const { statusMsP50, statusMsP99, probeMsP50, probeMsP99 } = report[when];
      const shown = [statusMsP50, statusMsP99, probeMsP50, probeMsP99].map((ms) => ms.toFixed(1));
      return [when === "idle" ? "no channel" : "beside a channel at full speed", ...shown];
    }),
  );
  const { ratioTcp, ratioSocat, ratioSocatLarge } = report;
  return [
    ...flows,
    `channel / socat: ${ratioSocat}, with large blocks ${ratioSocatLarge}; channel / TCP: ${ratioTcp}`,
    ...answers,
    `load average: ${report.machineLoadAtStart} at the start, ${report.machineLoadAtEnd} at the end`,
  ];
}

try {
  await main();
} catch (error) {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = exitCodeOf(error);
}
