import type { VmLoad } from "../model/load.ts";
import type { PlanningParams } from "./params.ts";

/** Pre-copy leaves the link at least this share of headway: auto-converge slows the guest to it. */
const HEADWAY_SHARE_MIN = 0.2;

type TransferParams = Pick<PlanningParams, "linkBytesPerSecond" | "transferMsMax">;
type CostParams = TransferParams &
  Pick<PlanningParams, "transferBurden" | "horizonMs" | "pauseCost">;

/**
 * How long a live migration takes, in ms: the memory that must go, and the
 * disks that are copied along, at what the link leaves beside
 * the pages that the guest dirties meanwhile. Pre-copy's rounds form a geometric series that sums
 * to resident / (link - dirty) (Clark et al., NSDI 2005).
 */
export function transferMs(load: VmLoad, params: TransferParams): number {
  const link = params.linkBytesPerSecond;
  const headway = Math.max(link - (load.dirtyBytesPerSecond ?? 0), link * HEADWAY_SHARE_MIN);
  const bytes = load.residentBytes + (load.copiedBytes ?? 0);
  return Math.min(params.transferMsMax, (bytes / headway) * 1000);
}

/**
 * Cost of moving a VM live, in units of the potential: what the transfer burdens both ends with, as
 * a share of the time that the better placement is expected to last, and the pause of the guest.
 * 4 GiB over 1 Gb/s cost about 0.003: over half of what a move must win at least.
 */
export function costOf(load: VmLoad, params: CostParams): number {
  return params.pauseCost + (params.transferBurden * transferMs(load, params)) / params.horizonMs;
}
