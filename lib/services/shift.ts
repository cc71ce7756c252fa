import type { HostId } from "../model/ids.ts";
import { placedMembers, resumable, type ServiceView } from "./service-view.ts";
import type { Shift } from "./steward.ts";

/** One way to take a member off a hot host: resumed at `to`, then suspended at `from`. */
export interface ShiftPair extends Shift {
  readonly service: string;
  /** What planning needs for the price: this much is freed here and taken there. */
  readonly memoryBytes: number;
  readonly vcpus: number;
  /** CPU demand of the member here, in cores; null while not known. */
  readonly cpuCores: number | null;
}

/**
 * The shifts that there are for this host's running member of the service, coldest target first, at
 * most `pairsMax`. A member never migrates (DESIGN 7); whether a shift is worth its price, and which,
 * is planning's affair, and the steward carries it out.
 */
export function shiftPairs(view: ServiceView, from: HostId, pairsMax: number): ShiftPair[] {
  const own = placedMembers(view).find(({ entry }) => entry.host === from);
  if (own?.entry.state !== "running") return [];
  const { memoryBytes, vcpus } = view.spec.template;
  const { cpuShare } = own.entry;
  const cpuCores = cpuShare === null ? null : cpuShare * vcpus;
  return resumable(view)
    .filter(({ standing }) => standing.utilisation < own.standing.utilisation)
    .slice(0, pairsMax)
    .map(({ entry }) => ({
      service: view.spec.name,
      from,
      to: entry.host,
      memoryBytes,
      vcpus,
      cpuCores,
    }));
}
