import type { InventoryRecord } from "../model/record.ts";
import { wireLimits } from "../wire/limits.ts";

/** Rather too many: what is over the limit of a message would not be sent at all. */
const bytesOf = { record: 1_024, vm: 512, member: 256 } as const;

/** True for an inventory that is short enough for the news topic; others ride on push-pull. */
export function isNews({
  vms,
  outcomes,
  members = [],
  switch: services = [],
}: InventoryRecord["body"]): boolean {
  const atSwitches = services.reduce((sum, service) => sum + service.members.length, 0);
  const large = bytesOf.vm * (vms.length + outcomes.length);
  const small = bytesOf.member * (members.length + services.length + atSwitches);
  return bytesOf.record + large + small <= wireLimits.newsBytesMax;
}
