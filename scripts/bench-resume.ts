/**
 * What a sleeping member saves: `npm run -s bench:resume -- [--times 10] [--health /health] [--json]`.
 * The agent sets the guest's clock at each resume; the default health check fails until it is right,
 * `--health /health` asks whether the web server answers.
 *
 * Responsible for: how long it takes from the order to the first answered request through HAProxy,
 * for a member that is resumed and for the same member booted cold, with the page cache warm and,
 * where this process may drop it, cold.
 * How: a real guest, the agent's own operations and a real HAProxy; the kinds take turns, so that
 * what else the machine does meets all of them alike.
 * It never leaves a guest behind, and drops caches only when run as root.
 */
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { tableLines } from "#agent/cli/table.ts";
import { GUEST_ANSWER, GUEST_CLOCK, MemberRig } from "../test/support/member-rig.ts";
import { rounded, spreadOf } from "./bench/figures.ts";

const TIMES_MAX = 100;
const DROP_CACHES = "/proc/sys/vm/drop_caches";
const ANSWER_WAIT_MS = 60_000;
const BLOCK_BYTES = 512;
const KINDS = ["resumed", "booted", "resumedCold", "bootedCold"] as const;
type Kind = (typeof KINDS)[number];
const TITLES: Readonly<Record<Kind, string>> = {
  resumed: "resumed, cache warm",
  booted: "booted, cache warm",
  resumedCold: "resumed, caches dropped",
  bootedCold: "booted, caches dropped",
};

/** One way to an answered request. */
interface Run {
  readonly ms: number;
  /** Read from the disk by the whole machine meanwhile. */
  readonly readBytes: number;
}

/** Null where this process may not drop the caches. */
interface Figure {
  readonly msMedian: number;
  readonly msMax: number;
  readonly readBytes: number;
}

type Report = ReturnType<typeof figuresOf> & {
  readonly times: number;
  readonly health: string;
  readonly imageBytes: number;
  readonly machineLoadAtStart: number;
  readonly machineLoadAtEnd: number;
};

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      times: { type: "string", default: "10" },
      health: { type: "string", default: GUEST_CLOCK },
      json: { type: "boolean", default: false },
    },
  });
  const times = Number(values.times);
  if (!Number.isSafeInteger(times) || times < 1 || times > TIMES_MAX) {
    throw new RangeError(`--times wants a whole number from 1 to ${TIMES_MAX}`);
  }
  const machineLoadAtStart = rounded(loadavg()[0] ?? 0);
  const rig = await MemberRig.make({ health: values.health });
  try {
    const { runs, imageBytes } = await measure(rig, times);
    const machineLoadAtEnd = rounded(loadavg()[0] ?? 0);
    const loads = { machineLoadAtStart, machineLoadAtEnd };
    const report = { ...figuresOf(runs), times, health: values.health, imageBytes, ...loads };
    for (const line of reportLines(report)) process.stdout.write(`${line}\n`);
    if (values.json) process.stdout.write(`${JSON.stringify(report)}\n`);
  } finally {
    await rig.close();
  }
}

async function measure(rig: MemberRig, times: number) {
  const runs = new Map<Kind, Run[]>(KINDS.map((kind) => [kind, []]));
  const isDroppable = process.getuid?.() === 0;
  const staged = await rig.stage();
  if (!staged.ok) throw new Error(staged.message);
  await rig.addToSwitch();
  await rig.suspend();
  const imageBytes = imageBytesOf(rig);
  for (let time = 0; time <= times; time += 1) {
    for (const kind of KINDS) {
      const isCold = kind.endsWith("Cold");
      if (isCold && !isDroppable) continue;
      const run = await runOf(rig, { boots: kind.startsWith("booted"), isCold });
      // The first round warms the cache.
      if (time > 0) runs.get(kind)?.push(run);
      process.stderr.write(`bench: ${kind} ${Math.round(run.ms)} ms\n`);
    }
  }
  return { runs, imageBytes };
}

/** From a suspended member to a suspended member; measured is the way to its first answer. */
async function runOf(rig: MemberRig, way: { boots: boolean; isCold: boolean }): Promise<Run> {
  const { spec } = rig;
  if (way.boots) await rig.must({ op: "forget", vm: spec.name });
  if (way.isCold) dropCaches();
  const readBefore = sectorsRead();
  const startMs = performance.now();
  await rig.must(way.boots ? { op: "start", spec } : { op: "resume", spec });
  await rig.check();
  await rig.setAtSwitch("ready");
  await answered(rig);
  const ms = performance.now() - startMs;
  const readBytes = (sectorsRead() - readBefore) * BLOCK_BYTES;
  await rig.setAtSwitch("maint");
  await rig.suspend();
  return { ms, readBytes };
}

async function answered(rig: MemberRig): Promise<void> {
  const endMs = performance.now() + ANSWER_WAIT_MS;
  let answer = "";
  while (performance.now() < endMs) {
    answer = await rig.askThroughSwitch();
    if (answer === GUEST_ANSWER) return;
  }
  throw new Error(`HAProxy gave no good answer within ${ANSWER_WAIT_MS} ms: ${answer}`);
}

/** Only clean pages go; those of the image are, since a suspend flushes them. */
function dropCaches(): void {
  writeFileSync(DROP_CACHES, "3");
}

/** Sectors that the whole disks of this machine have read; parts and stacked devices are left out. */
function sectorsRead(): number {
  const whole = /^ *\d+ +\d+ (vd[a-z]+|sd[a-z]+|nvme\d+n\d+|xvd[a-z]+) +\d+ +\d+ +(\d+) /gm;
  const found = readFileSync("/proc/diskstats", "utf8").matchAll(whole);
  return [...found].reduce((sum, [, , sectors]) => sum + Number(sectors), 0);
}

function imageBytesOf(rig: MemberRig): number {
  const folder = join(rig.qemu.stateDirectory("source"), "guests", rig.spec.name);
  const image = JSON.parse(readFileSync(join(folder, "image.json"), "utf8"));
  const { blocks } = statSync(join(folder, image.memoryFile));
  return blocks * BLOCK_BYTES + image.stateBytes;
}

function figuresOf(runs: ReadonlyMap<Kind, readonly Run[]>) {
  const figure = (kind: Kind): Figure | null => {
    const all = runs.get(kind) ?? [];
    if (all.length === 0) return null;
    const { median, max } = spreadOf(all.map(({ ms }) => ms));
    const readBytes = Math.round(spreadOf(all.map((run) => run.readBytes)).median);
    return { msMedian: rounded(median), msMax: rounded(max), readBytes };
  };
  const resumed = figure("resumed");
  const booted = figure("booted");
  const resumedCold = figure("resumedCold");
  const bootedCold = figure("bootedCold");
  const ratioWarm = ratioOf(booted, resumed);
  const ratioCold = ratioOf(bootedCold, resumedCold);
  return { resumed, booted, resumedCold, bootedCold, ratioWarm, ratioCold };
}

function ratioOf(boot: Figure | null, resume: Figure | null): number | null {
  return boot && resume ? rounded(boot.msMedian / resume.msMedian) : null;
}

function reportLines(report: Report): readonly string[] {
  const columns = [
    { title: `ORDER TO FIRST ANSWER, ${report.times} TIMES` },
    { title: "MEDIAN MS", align: "right" as const },
    { title: "WORST MS", align: "right" as const },
    { title: "READ MB", align: "right" as const },
  ];
  const rows = KINDS.map((kind) => {
    const figure = report[kind];
    if (figure === null) return [TITLES[kind], "-", "-", "-"];
    const { msMedian, msMax, readBytes } = figure;
    return [TITLES[kind], msMedian.toFixed(0), msMax.toFixed(0), (readBytes / 1e6).toFixed(1)];
  });
  const { ratioWarm, ratioCold, imageBytes, machineLoadAtStart, machineLoadAtEnd } = report;
  return [
    ...tableLines(columns, rows),
    `boot / resume: ${ratioWarm ?? "-"} warm, ${ratioCold ?? "-"} with the caches dropped`,
    `the image takes ${(imageBytes / 1e6).toFixed(1)} MB; read is what the whole machine read`,
    `load average: ${machineLoadAtStart} at the start, ${machineLoadAtEnd} at the end`,
  ];
}

try {
  await main();
} catch (error) {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = error instanceof RangeError ? 2 : 1;
}
