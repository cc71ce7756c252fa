import type { Snapshot } from "#lib/core/snapshot.ts";
import type { HostId } from "#lib/model/ids.ts";

/** The snapshot with what the transport alone knows: how far each member's clock is off. */
export function withClockSkews(snapshot: Snapshot, skewsMs: ReadonlyMap<HostId, number>): Snapshot {
  if (skewsMs.size === 0) return snapshot;
  const members = snapshot.members.map((member) => {
    const clockSkewMs = skewsMs.get(member.host);
    return clockSkewMs === undefined ? member : { ...member, clockSkewMs };
  });
  return { ...snapshot, members };
}
