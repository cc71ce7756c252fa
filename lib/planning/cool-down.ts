import type { PlanningParams } from "./params.ts";

type CoolDownParams = Pick<PlanningParams, "coolDownMs" | "coolDownMsMax">;

/** A rest this many times over is long: the moves before it no longer count as recent. */
const RESTS_TO_FORGET = 2;

/**
 * How long a VM rests after a move, in ms: doubles with every move that followed the one before
 * closely. `recentMoves` is 0 after a move that followed none.
 */
export function coolDownMs(recentMoves: number, params: CoolDownParams): number {
  let restMs = params.coolDownMs;
  for (let i = 0; i < recentMoves && restMs < params.coolDownMsMax; i++) restMs *= 2;
  return Math.min(restMs, params.coolDownMsMax);
}

/**
 * `recentMoves` after one more move, `sinceLastMoveMs` after the one before; undefined for the
 * first move ever, or when nobody remembers.
 */
export function recentMovesAfter(
  recentMoves: number,
  sinceLastMoveMs: number | undefined,
  params: CoolDownParams,
): number {
  if (sinceLastMoveMs === undefined) return 0;
  const forgetMs = RESTS_TO_FORGET * coolDownMs(recentMoves, params);
  return sinceLastMoveMs > forgetMs ? 0 : recentMoves + 1;
}
