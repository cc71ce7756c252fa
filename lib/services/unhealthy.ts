import type { ServiceSpec } from "../model/service.ts";
import { counts, type MemberEntry, serves } from "./member-entry.ts";
import type { ServiceParams } from "./params.ts";

/**
 * True when a member that has been unhealthy for so long should be begun anew. `others` are the
 * service's members on the other live hosts. At least one of them must serve, and as many as `min`
 * says: while all fail, more likely the crowd is too large or the check is wrong than the guests. But
 * no more are asked for than there are: where all others serve, nobody is left to stand in.
 */
export function mayRestage(
  { running }: Pick<ServiceSpec, "running">,
  facts: { readonly unhealthyMs: number; readonly others: readonly MemberEntry[] },
  { unhealthyMsMax }: Pick<ServiceParams, "unhealthyMsMax">,
): boolean {
  const { unhealthyMs, others } = facts;
  const serving = others.filter(serves).length;
  const usable = others.filter(({ state }) => counts(state) || state === "suspended").length;
  return unhealthyMs >= unhealthyMsMax && serving >= Math.max(1, Math.min(running.min, usable));
}
