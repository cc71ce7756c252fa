import { readdirSync } from "node:fs";
import type { VmUsage } from "#agent/ports/hypervisor.ts";
import type { VmSpec } from "#lib/model/vm-spec.ts";
import { isAlive, type ProcessIdentity, processStat, readProc } from "./process-identity.ts";
import { tapName } from "./tap-device.ts";

/** USER_HZ, the same on every Linux that runs KVM (proc(5)). */
const NS_PER_TICK = 1e7;
const PAGE_BYTES = 4096;

/** One thread of QEMU: /proc/PID/task/TID/{comm,schedstat}. */
export interface ThreadTimes {
  readonly name: string;
  readonly runNs: number;
  readonly waitNs: number;
}

/** schedstat: time on a CPU, time ready but waiting for one, slices (sched-stats.rst). */
export function parseThread(name: string, schedstat: string): ThreadTimes | undefined {
  const [runNs = Number.NaN, waitNs = Number.NaN] = schedstat.trim().split(" ").map(Number);
  if (!Number.isFinite(runNs) || !Number.isFinite(waitNs)) return undefined;
  return { name: name.trim(), runNs, waitNs };
}

/** True for the threads that run the guest's processors ("CPU 0/KVM", "CPU 0/TCG"). */
export function isVcpu({ name }: ThreadTimes): boolean {
  return name.startsWith("CPU ");
}

/** Counters of one guest; undefined when its process is gone. */
export async function readUsage(
  spec: VmSpec,
  identity: ProcessIdentity,
): Promise<VmUsage | undefined> {
  const { pid } = identity;
  const stat = await processStat(pid);
  const threads = readThreads(pid);
  const residentPages = Number(readProc(`/proc/${pid}/statm`)?.split(" ")[1] ?? Number.NaN);
  // Looked at last: if it lives now, the number was its own all the while.
  if (stat === undefined || !Number.isFinite(residentPages) || !(await isAlive(identity))) {
    return undefined;
  }
  const ticksNs = (stat.userTicks + stat.systemTicks) * NS_PER_TICK;
  const threadsNs = threads.reduce((sum, thread) => sum + thread.runNs, 0);
  return {
    vm: spec.name,
    // Ticks know threads that ended; schedstat is finer. Neither ever says too much.
    cpuTimeNs: Math.max(ticksNs, threadsNs),
    runDelayNs: threads.filter(isVcpu).reduce((sum, thread) => sum + thread.waitNs, 0),
    residentBytes: Math.min(residentPages * PAGE_BYTES, spec.memoryBytes),
    dirtyBytesPerSecond: null,
    networkBytes: tapBytes(spec),
  };
}

/** What went over the guest's cable, both directions; null for a network without a tap device. */
function tapBytes(spec: VmSpec): number | null {
  const tap = tapName(spec);
  if (tap === null) return null;
  const folder = `/sys/class/net/${tap}/statistics`;
  // `Number` of nothing is 0: a device that is gone must not look idle.
  const counts = ["rx_bytes", "tx_bytes"].map((name) => readProc(`${folder}/${name}`) ?? "none");
  const bytes = counts.reduce((sum, count) => sum + Number(count), 0);
  return Number.isFinite(bytes) ? bytes : null;
}

function readThreads(pid: number): readonly ThreadTimes[] {
  const folder = `/proc/${pid}/task`;
  const threads = threadIds(folder).map((id) => {
    const name = readProc(`${folder}/${id}/comm`);
    const schedstat = readProc(`${folder}/${id}/schedstat`);
    if (name === undefined || schedstat === undefined) return undefined;
    return parseThread(name, schedstat);
  });
  return threads.filter((thread) => thread !== undefined);
}

function threadIds(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
