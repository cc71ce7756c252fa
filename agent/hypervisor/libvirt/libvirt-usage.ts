import type { VmUsage } from "#agent/ports/hypervisor.ts";
import { isVmName } from "#lib/model/ids.ts";
import { type DomainFigures, parseDomstats } from "./parse-domstats.ts";
import type { VirshSession } from "./virsh-session.ts";

const KIB = 1024;
/** libvirt's virDomainDirtyRateStatus: measured. */
const DIRTY_RATE_MEASURED = 2;
/** One question for all guests; `--nowait`, so that one with a job keeps nobody waiting. */
const QUESTION = [
  ...["domstats", "--raw", "--nowait", "--list-running", "--cpu-total", "--vcpu", "--balloon"],
  ...["--interface", "--dirtyrate"],
];

export async function libvirtUsage(asking: VirshSession): Promise<readonly VmUsage[]> {
  return parseDomstats(await asking.ask(QUESTION)).flatMap((figures) => usageOf(figures) ?? []);
}

/** Counters of one domain; undefined without its CPU time, or for a name that is no VM's. */
export function usageOf(figures: DomainFigures): VmUsage | undefined {
  const { name, number, sum } = figures;
  const cpuTimeNs = number("cpu.time");
  const memoryKib = number("balloon.maximum") ?? number("balloon.current");
  const residentKib = number("balloon.rss") ?? memoryKib;
  if (!isVmName(name) || cpuTimeNs === null || residentKib === null) return undefined;
  const received = sum("net", "rx.bytes");
  const sent = sum("net", "tx.bytes");
  return {
    vm: name,
    cpuTimeNs,
    runDelayNs: sum("vcpu", "delay") ?? 0,
    residentBytes: Math.min(residentKib, memoryKib ?? residentKib) * KIB,
    dirtyBytesPerSecond: dirtyRate(figures),
    networkBytes: received === null && sent === null ? null : (received ?? 0) + (sent ?? 0),
  };
}

function dirtyRate({ number }: DomainFigures): number | null {
  if (number("dirtyrate.calc_status") !== DIRTY_RATE_MEASURED) return null;
  const mibPerSecond = number("dirtyrate.megabytes_per_second");
  return mibPerSecond === null ? null : mibPerSecond * KIB * KIB;
}
