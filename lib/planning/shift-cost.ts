import type { VmLoad } from "../model/load.ts";
import type { HostFigures } from "./host-figures.ts";
import type { PlanningParams } from "./params.ts";
import { type PotentialOptions, potential, withVm } from "./potential.ts";

/** A member of a service as far as its shift's price depends on it. */
export interface ShiftedMember {
  readonly load: Pick<VmLoad, "residentBytes">;
  /** Memory that the member is entitled to, on each of the two hosts. */
  readonly memoryBytes: number;
  /** Its sessions may go on so long before it is suspended. */
  readonly drainMs: number;
}

type CostParams = Pick<
  PlanningParams,
  "diskBytesPerSecond" | "transferBurden" | "transferMsMax" | "horizonMs"
>;

/**
 * Cost of a shift, in units of the potential, spread over the horizon as a move's is:
 *
 *     (transferBurden x diskMs + memoryTwice x (2 x diskMs + drainMs)) / horizonMs
 *
 * diskMs: time to write the member's memory here, and as long to read as much there. Each burdens
 * one end, which is half of what a transfer burdens. memoryTwice: how much higher the potential is
 * while the member's memory is taken at both ends: from the resume until the image here is written,
 * at worst the whole drain limit between. No guest pauses, and nothing crosses the network: 256 MiB
 * on a host of 96 GiB that is half full cost about 0.0001, a live move of as much 0.0006.
 */
export function shiftCost(
  member: ShiftedMember,
  from: HostFigures,
  { params, ...options }: PotentialOptions & { readonly params: CostParams },
): number {
  const { diskBytesPerSecond, transferBurden, transferMsMax, horizonMs } = params;
  const diskMs = Math.min(transferMsMax, (member.load.residentBytes / diskBytesPerSecond) * 1000);
  const twiceMs = 2 * diskMs + member.drainMs;
  return (transferBurden * diskMs + memoryTwice(member, from, options) * twiceMs) / horizonMs;
}

/** By how much the potential falls once the memory here is free. */
function memoryTwice(
  { memoryBytes }: ShiftedMember,
  from: HostFigures,
  options: PotentialOptions,
): number {
  const idle = { cpuCores: 0, networkBytesPerSecond: 0 };
  const after = withVm(from, { memoryBytes, load: idle }, -1);
  return Math.max(0, potential([from], options) - potential([after], options));
}
