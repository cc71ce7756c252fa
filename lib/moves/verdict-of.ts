import type { HostOpResult, HostOpValues, MoveVerdict } from "../model/host-op.ts";

/** The verdict in the result of a `moveVerdict`; a look that failed leaves the move in doubt. */
export function verdictOf(result: HostOpResult): MoveVerdict {
  return result.ok ? (result.value as HostOpValues["moveVerdict"]).verdict : "in-doubt";
}
