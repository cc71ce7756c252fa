import type { HostId } from "../model/ids.ts";
import type { SimWorld } from "./sim-world.ts";

/** The hosts that news from this one reaches, at once or over others, itself first; none while its agent is down. */
export function sideOf(world: SimWorld, host: HostId): ReadonlySet<HostId> {
  const awake = world.hosts.filter((one) => world.agent(one)?.paused === false);
  if (!awake.includes(host)) return new Set();
  if (world.links.whole) return new Set([host, ...awake]);
  const side = new Set([host]);
  for (const one of side) {
    for (const other of awake) {
      if (!side.has(other) && world.canTalk(one, other)) side.add(other);
    }
  }
  return side;
}

/** All hosts whose agents are up, by the side that they are on. */
export function sidesOf(world: SimWorld): readonly ReadonlySet<HostId>[] {
  const sides: ReadonlySet<HostId>[] = [];
  for (const host of world.hosts) {
    if (sides.some((side) => side.has(host))) continue;
    const side = sideOf(world, host);
    if (side.size > 0) sides.push(side);
  }
  return sides;
}
