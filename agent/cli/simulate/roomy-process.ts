import { spawnSync } from "node:child_process";
import { getHeapStatistics } from "node:v8";
import { CommandFailedError, type ExitCode, exitCodes } from "../cli-error.ts";

const mebibyte = 2 ** 20;
/** What a run takes whatever it simulates, and for each host with its VMs and all that it knows. */
const fixedMiB = 512;
const hostMiB = 1;
/** Messages die young: with more room for those fewer are copied about (a tenth of the CPU). */
const youngMiB = 64;
/** What the process takes besides its heap, as a share of that. */
const besidesShare = 0.1;

export interface HeapFacts {
  readonly hosts: number;
  /** What the heap of this process may grow to. */
  readonly limitBytes: number;
  /** Memory of the machine that nobody uses. */
  readonly freeBytes: number;
  /** True where somebody has said how large the heap may be: it is left at that. */
  readonly isChosen: boolean;
}

/**
 * How large a heap a process must be given that simulates so many hosts, MiB; null where this one's
 * will do. Throws CommandFailedError where the machine has too little memory.
 */
export function heapToAskFor({ hosts, limitBytes, freeBytes, isChosen }: HeapFacts): number | null {
  const heapMiB = Math.ceil(fixedMiB + hosts * hostMiB);
  if (isChosen || heapMiB * mebibyte <= limitBytes) return null;
  const neededMiB = heapMiB * (1 + besidesShare);
  if (neededMiB * mebibyte <= freeBytes) return heapMiB;
  const [needed, free] = [neededMiB / 1_024, freeBytes / 2 ** 30].map((gib) => gib.toFixed(1));
  throw new CommandFailedError(
    `${hosts} simulated hosts take about ${needed} GiB of memory, and ${free} GiB are free here: ` +
      "simulate fewer, or on a larger machine",
  );
}

/**
 * Runs this command again in a process whose heap is large enough, since none can be enlarged while
 * it runs. Returns that one's exit code; null where this process will do.
 */
export function runInRoomyProcess(hosts: number): ExitCode | null {
  const given = [...process.execArgv, process.env["NODE_OPTIONS"] ?? ""].join(" ");
  const heapMiB = heapToAskFor({
    hosts,
    limitBytes: getHeapStatistics().heap_size_limit,
    freeBytes: process.availableMemory(),
    isChosen: /max[-_]old[-_]space[-_]size/.test(given),
  });
  if (heapMiB === null) return null;
  const flags = [`--max-old-space-size=${heapMiB}`, `--max-semi-space-size=${youngMiB}`];
  const words = [...process.execArgv, ...flags, ...process.argv.slice(1)];
  const { status, signal, error } = spawnSync(process.execPath, words, { stdio: "inherit" });
  if (status !== null) return codeOf(status);
  throw new CommandFailedError(
    `the simulation of ${hosts} hosts was ended by ${signal ?? error?.message ?? "the system"}: ` +
      "it may have run out of memory; simulate fewer hosts",
    { cause: error },
  );
}

function codeOf(status: number): ExitCode {
  return Object.values(exitCodes).find((code) => code === status) ?? exitCodes.failed;
}
