import { readFileSync } from "node:fs";

/** A process that cannot be mistaken for a later one with the same number. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Start time in clock ticks since boot: field 22 of /proc/PID/stat (proc(5)). */
  readonly startTicks: number;
}

export interface ProcessStat extends ProcessIdentity {
  readonly state: string;
  readonly userTicks: number;
  readonly systemTicks: number;
  readonly threads: number;
}

/**
 * One line of /proc/PID/stat; undefined when it is none. The name in parentheses may hold blanks
 * and parentheses itself, so the fields are counted from the last one.
 */
export function parseProcessStat(line: string): ProcessStat | undefined {
  const pid = Number.parseInt(line, 10);
  const fields = line.slice(line.lastIndexOf(")") + 2).split(" ");
  const [state] = fields;
  // fields[0] is field 3, the state.
  const numberAt = (field: number) => Number(fields[field - 3] ?? Number.NaN);
  const stat = {
    pid,
    userTicks: numberAt(14),
    systemTicks: numberAt(15),
    startTicks: numberAt(22),
    threads: numberAt(20),
  };
  if (state === undefined || Object.values(stat).some((value) => !Number.isFinite(value))) {
    return undefined;
  }
  return { ...stat, state };
}

/** What runs under this number now; undefined when nothing does. */
export async function processStat(pid: number): Promise<ProcessStat | undefined> {
  const line = readProc(`/proc/${pid}/stat`);
  return line === undefined ? undefined : parseProcessStat(line);
}

/**
 * The text of a file about a process; undefined when the process is gone.
 *
 * Synchronously: the kernel answers from memory in some ten microseconds, and a detour over the
 * thread pool costs ten times that, for each file of each guest at every look.
 */
export function readProc(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

/**
 * A zombie counts as dead: it holds no memory and no files, and its guest runs no more. One whose
 * other threads are still ending is not there yet.
 */
export async function isAlive(identity: ProcessIdentity): Promise<boolean> {
  const stat = await processStat(identity.pid);
  return stat !== undefined && stat.startTicks === identity.startTicks && !isDead(stat);
}

export function isDead({ state, threads }: Pick<ProcessStat, "state" | "threads">): boolean {
  return (state === "Z" || state === "X") && threads <= 1;
}
