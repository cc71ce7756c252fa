import { readFileSync } from "node:fs";

/** Ticks a second of /proc/PID/stat: fixed for user space on Linux (time(7)). */
const TICKS_PER_SECOND = 100;

/** CPU time that a process with all its threads has used, s. */
export function cpuSecondsOf(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, "latin1");
  // The name before may hold anything; after it come state (3rd field) and the rest.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** Resident memory now, MB (10^6 bytes), shared pages of the program included. */
export function residentMbOf(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "latin1");
  return (Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0) * 1024) / 1e6;
}
