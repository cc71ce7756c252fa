import type { HostId } from "../model/ids.ts";
import type { SummaryRecord } from "../model/record.ts";
import { isHotInCpu } from "../planning/host-figures.ts";

/**
 * The other hosts that burned more than `hotShare` of their CPU when they told of themselves last,
 * whatever is on its way to or from them. Each counts once, however often it tells: those that level
 * out tell more often than others, and are hot more often.
 */
export class HotHosts {
  readonly #hotShare: number;
  readonly #hosts = new Set<HostId>();

  constructor(hotShare: number) {
    this.#hotShare = hotShare;
  }

  get count(): number {
    return this.#hosts.size;
  }

  heard({ host, body }: SummaryRecord): void {
    const { measuredCpuCores: cpuCores, cpuCapacityCores } = body;
    const isHot = isHotInCpu({ cpuCores, cpuCapacityCores }, this.#hotShare);
    // While it measures its guests it tells of single samples.
    if (isHot && body.measuring !== true) this.#hosts.add(host);
    else this.#hosts.delete(host);
  }

  forget(host: HostId): void {
    this.#hosts.delete(host);
  }
}
