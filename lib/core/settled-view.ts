import type { VmName } from "../model/ids.ts";
import type { VmEntry } from "../model/vm.ts";

/** Cores by which the two ends of all moves may differ: what rounding leaves. */
const differenceCoresMax = 0.01;
/** A cluster where somebody always starts or ends something is planned for all the same. */
const waitMsMax = 10_000;

/** What one host told of itself. */
export interface HostNews {
  /** Granted in less granted out, in cores. */
  readonly promisedCores: number;
  readonly vmCount: number;
  readonly vms: readonly Pick<VmEntry, "name">[];
}

/**
 * Whether the news of all hosts fit together. While a move begins or ends, one end has told of it
 * and the other has not: its VM counts twice, or not at all, and a plan made from that is a plan for
 * a cluster that there is not. News are a second apart, so it pays to wait where moves are few.
 */
export class SettledView {
  #vms = 0;
  #fitAtMs = Number.NEGATIVE_INFINITY;
  #lookedAtMs = Number.NEGATIVE_INFINITY;

  /** True when the news fit, and when they have not done so in any look for long. */
  mayPlan(news: readonly HostNews[], nowMs: number): boolean {
    const vms = vmsToldOnce(news);
    // Fewer than before: one was stopped, or has left its source and is not yet told by its target.
    const fits = vms !== null && vms >= this.#vms;
    if (fits || nowMs - this.#lookedAtMs > waitMsMax) this.#fitAtMs = nowMs;
    this.#lookedAtMs = nowMs;
    if (!fits && nowMs - this.#fitAtMs < waitMsMax) return false;
    if (vms !== null) this.#vms = vms;
    return true;
  }
}

/** How many VMs there are; null while some are told twice, not at all, or promised at one end only. */
export function vmsToldOnce(news: readonly HostNews[]): number | null {
  const names = new Set<VmName>();
  let vmCount = 0;
  let entries = 0;
  let promisedCores = 0;
  for (const host of news) {
    // What is granted to one host is granted away by another.
    promisedCores += host.promisedCores;
    vmCount += host.vmCount;
    entries += host.vms.length;
    for (const { name } of host.vms) names.add(name);
  }
  const isOnce = entries === names.size && entries === vmCount;
  return isOnce && Math.abs(promisedCores) <= differenceCoresMax ? entries : null;
}
