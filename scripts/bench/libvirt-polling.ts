import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import type { LibvirtDriver } from "#agent/hypervisor/libvirt/libvirt-driver.ts";
import type { LibvirtHost } from "../../test/support/libvirt-host.ts";
import { cpuSecondsOf } from "./process-figures.ts";
import { virsh } from "./raw-domains.ts";

const POLL_MS = 1000;
const TICKS_PER_SECOND = 100;
/** The same question as the driver's, so that both cost libvirtd the same. */
const QUESTION = [
  ...["domstats", "--raw", "--nowait", "--list-running", "--cpu-total", "--vcpu", "--balloon"],
  ...["--interface", "--dirtyrate"],
];

/** CPU, per cent of one core. */
export interface PollingFigures {
  readonly asker: number;
  readonly libvirtd: number;
  readonly whole: number;
}

/** The driver's sample, once a second: this process, its virsh that stays, and libvirtd. */
export async function pollingByDriver(
  { driver, host }: { driver: LibvirtDriver; host: LibvirtHost },
  seconds: number,
): Promise<PollingFigures> {
  await driver.usage();
  const children = childPids();
  const asker = () => [process.pid, ...children].reduce((sum, pid) => sum + cpuSecondsOf(pid), 0);
  return await polled({ asker, host, ask: () => driver.usage() }, seconds);
}

/** A fresh virsh each second, and libvirtd; who starts it is not counted. */
export async function pollingByVirsh(host: LibvirtHost, seconds: number): Promise<PollingFigures> {
  const ask = () => virsh(host, ...QUESTION);
  return await polled({ asker: endedChildrenCpuSeconds, host, ask }, seconds);
}

async function polled(
  { asker, host, ask }: { asker: () => number; host: LibvirtHost; ask: () => Promise<unknown> },
  seconds: number,
): Promise<PollingFigures> {
  const look = () => ({
    asker: asker(),
    libvirtd: cpuSecondsOf(host.pid),
    atMs: performance.now(),
  });
  const before = look();
  for (let second = 1; second <= seconds; second += 1) {
    await ask();
    await pause(Math.max(0, before.atMs + second * POLL_MS - performance.now()));
  }
  const after = look();
  const share = (cpuSeconds: number) => (cpuSeconds / (after.atMs - before.atMs)) * 1000 * 100;
  const [own, libvirtd] = [after.asker - before.asker, after.libvirtd - before.libvirtd].map(share);
  return { asker: own ?? 0, libvirtd: libvirtd ?? 0, whole: (own ?? 0) + (libvirtd ?? 0) };
}

function childPids(): readonly number[] {
  const tasks = readdirSync("/proc/self/task");
  const lists = tasks.map((task) => readFileSync(`/proc/self/task/${task}/children`, "latin1"));
  const pids = lists.flatMap((list) => list.trim().split(" ")).filter((pid) => pid !== "");
  return pids.map(Number).filter((pid) => commandOf(pid).includes("virsh"));
}

function commandOf(pid: number): string {
  return readFileSync(`/proc/${pid}/cmdline`, "latin1");
}

/** CPU of all children that have ended and were waited for (proc(5): cutime, cstime). */
function endedChildrenCpuSeconds(): number {
  const text = readFileSync("/proc/self/stat", "latin1");
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[13]) + Number(fields[14])) / TICKS_PER_SECOND;
}
