import type { HostPressure } from "#lib/model/load.ts";

/** Parsers of files under /proc: each returns undefined for a text it does not know. */

const BYTES_PER_KIB = 1024;

/** Time of all processors since boot, in clock ticks, as /proc/stat counts it. */
export interface CpuTicks {
  /** Everything that somebody ran, guests included; not idle, not waiting for disks. */
  readonly busyTicks: number;
  readonly totalTicks: number;
  /** Processors that are on line. */
  readonly cpuCount: number;
}

/** First line and cpuN lines of /proc/stat (proc(5)): guest time is part of user time. */
export function parseStat(text: string): CpuTicks | undefined {
  const line = /^cpu +([0-9 ]+)$/m.exec(text)?.[1];
  const cpuCount = text.match(/^cpu[0-9]+ /gm)?.length ?? 0;
  if (line === undefined || cpuCount === 0) return undefined;
  const [user = 0, nice = 0, system = 0, idle, ioWait = 0, irq = 0, softIrq = 0, steal = 0] = line
    .trim()
    .split(/ +/)
    .map(Number);
  if (idle === undefined) return undefined;
  const busyTicks = user + nice + system + irq + softIrq + steal;
  return { busyTicks, totalTicks: busyTicks + idle + ioWait, cpuCount };
}

export interface MemoryFigures {
  readonly totalBytes: number;
  /** What can be had without swapping: free memory and page cache that can be dropped. */
  readonly availableBytes: number;
}

/** /proc/meminfo (proc(5)); MemAvailable is there since Linux 3.14. */
export function parseMeminfo(text: string): MemoryFigures | undefined {
  const totalKib = /^MemTotal: +([0-9]+) kB$/m.exec(text)?.[1];
  const availableKib = /^MemAvailable: +([0-9]+) kB$/m.exec(text)?.[1];
  if (totalKib === undefined || availableKib === undefined) return undefined;
  return {
    totalBytes: Number(totalKib) * BYTES_PER_KIB,
    availableBytes: Number(availableKib) * BYTES_PER_KIB,
  };
}

/**
 * Bytes of ZFS' cache that it gives back when asked: its size above its least size. MemAvailable
 * does not count them, so a host with ZFS would look full.
 */
export function parseArcFreeable(text: string): number | undefined {
  const size = /^size +4 +([0-9]+)$/m.exec(text)?.[1];
  const least = /^c_min +4 +([0-9]+)$/m.exec(text)?.[1];
  if (size === undefined || least === undefined) return undefined;
  return Math.max(Number(size) - Number(least), 0);
}

/** /proc/net/dev (proc(5)): bytes received and sent since boot, together, by interface. */
export function parseNetDev(text: string): ReadonlyMap<string, number> | undefined {
  const counters = new Map<string, number>();
  for (const line of text.split("\n")) {
    const [name, figures] = line.split(":");
    if (name === undefined || figures === undefined) continue;
    const columns = figures.trim().split(/ +/).map(Number);
    const bytes = (columns[0] ?? Number.NaN) + (columns[8] ?? Number.NaN);
    if (Number.isFinite(bytes)) counters.set(name.trim(), bytes);
  }
  return counters.size === 0 ? undefined : counters;
}

/** The "some" share over ten seconds, 0 to 1 (Documentation/accounting/psi.rst). */
export function parsePressure(text: string): number | undefined {
  const percent = /^some avg10=([0-9.]+) /m.exec(text)?.[1];
  return percent === undefined ? undefined : Math.min(Number(percent) / 100, 1);
}

/** All three shares, or undefined when one is missing. */
export function pressureOf(
  cpu: string | undefined,
  memory: string | undefined,
  io: string | undefined,
): HostPressure | undefined {
  const [cpuShare, memoryShare, ioShare] = [cpu, memory, io].map((text) =>
    text === undefined ? undefined : parsePressure(text),
  );
  if (cpuShare === undefined || memoryShare === undefined || ioShare === undefined)
    return undefined;
  return { cpuShare, memoryShare, ioShare };
}
