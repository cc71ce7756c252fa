import type { MoveId } from "../model/ids.ts";
import type { Cluster } from "./cluster.ts";

/** How many moves the cluster has made or is making, as far as gossip tells: for a cap on moves. */
export function movesMade({ view }: Pick<Cluster, "view">): number {
  const moves = new Set<MoveId>();
  for (const host of view.hosts()) {
    const body = view.inventoryOf(host)?.record.body;
    for (const { moveId, result } of body?.outcomes ?? [])
      if (result === "moved") moves.add(moveId);
    for (const { move } of body?.vms ?? []) if (move !== null) moves.add(move);
  }
  return moves.size;
}
