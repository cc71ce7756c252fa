import type { PlanningParams } from "../planning/params.ts";
import type { MoveHistory } from "./move-history.ts";
import type { Self } from "./self.ts";

/** The last so many moves say how fast the next will be. */
const movesMax = 8;
/** A card's speed, less headers and what others send. */
const usableShare = 0.9;

/**
 * The planner's settings with the link speed that this host's own moves had, all their delays
 * included; before the first, with what its network card claims, if that is known.
 */
export function withMeasuredLink(
  planning: PlanningParams,
  { self, history }: { readonly self: Self; readonly history: MoveHistory },
): PlanningParams {
  // What the admin allows is what a move gets.
  if (self.options.settings.limits.bandwidthBytesPerSecond > 0) return planning;
  const linkBytesPerSecond = measured(history) ?? claimed(self);
  return linkBytesPerSecond === null ? planning : { ...planning, linkBytesPerSecond };
}

function measured(history: MoveHistory): number | null {
  let bytes = 0;
  let ms = 0;
  for (const outcome of history.recentlySent(movesMax)) {
    bytes += outcome.transferredBytes;
    ms += outcome.durationMs;
  }
  return bytes > 0 && ms > 0 ? (bytes / ms) * 1000 : null;
}

function claimed({ hostLoad }: Self): number | null {
  const capacity = hostLoad?.networkCapacityBytesPerSecond ?? 0;
  return capacity > 0 ? usableShare * capacity : null;
}
