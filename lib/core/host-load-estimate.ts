import type { HostLoad } from "../model/load.ts";
import { SmoothedFigure } from "../planning/smoothed-figure.ts";

/** The host's own demand, without the noise of single samples and without evenkeel's own transfers. */
export class HostLoadEstimate {
  readonly #otherCpu = new SmoothedFigure();
  readonly #otherNetwork = new SmoothedFigure();

  /**
   * The sample as planning should see it. While a VM moves from or to this host its links carry
   * mostly that transfer, which ends by itself: the traffic from before stands.
   */
  observe(load: HostLoad, moving: boolean, nowMs: number): HostLoad {
    this.#otherCpu.observe(load.otherCpuCores, nowMs);
    const traffic = load.otherNetworkBytesPerSecond;
    if (traffic !== null && !moving) this.#otherNetwork.observe(traffic, nowMs);
    const known = moving ? 0 : traffic;
    return {
      ...load,
      otherCpuCores: this.#otherCpu.value() ?? load.otherCpuCores,
      otherNetworkBytesPerSecond: traffic === null ? null : (this.#otherNetwork.value() ?? known),
    };
  }
}
