import { coolDownMs, recentMovesAfter } from "../planning/cool-down.ts";
import type { PlanningParams } from "../planning/params.ts";

interface Rest {
  readonly recentShifts: number;
  readonly lastMs: number;
  readonly untilMs: number;
}

/**
 * The cool-down of this host's members: as for a VM that was moved, it doubles with every shift that
 * follows the one before closely. A shift counts at both its ends, so that a member which is shifted
 * to and fro rests longer each time, though no end tells the other.
 */
export class MemberRests {
  readonly #params: Pick<PlanningParams, "coolDownMs" | "coolDownMsMax">;
  readonly #rests = new Map<string, Rest>();

  constructor(params: Pick<PlanningParams, "coolDownMs" | "coolDownMsMax">) {
    this.#params = params;
  }

  /** The service's member here was shifted away, or stands in for another. */
  shifted(service: string, nowMs: number): void {
    const before = this.#rests.get(service);
    const sinceLastMs = before && nowMs - before.lastMs;
    const recentShifts = recentMovesAfter(before?.recentShifts ?? 0, sinceLastMs, this.#params);
    const untilMs = nowMs + coolDownMs(recentShifts, this.#params);
    this.#rests.set(service, { recentShifts, lastMs: nowMs, untilMs });
  }

  /** Monotonic ms until which it is not shifted; 0 for none. */
  untilMs(service: string): number {
    return this.#rests.get(service)?.untilMs ?? 0;
  }
}
