/** The web server of each member: so long for an answer, so many at once (scripts/lab/web.c). */
export const MEMBER_WEB = { answerMs: 200, atOnce: 4 } as const;
/** What one member can answer, requests a second. */
export const MEMBER_PER_SECOND = (MEMBER_WEB.atOnce * 1000) / MEMBER_WEB.answerMs;
/** Three quarters of what a member can have at once. */
export const SESSIONS_PER_MEMBER = 3;
/** Every second's p99 shall be under this: two and a half times of what an answer takes. */
export const TARGET_MS = 500;
/** A request without an answer after this is lost. */
export const LIMIT_MS = 10_000;

/** A stretch of time in which the rate goes evenly from what it was to `perSecond`. */
interface Stretch {
  readonly ms: number;
  readonly perSecond: number;
}

/** Demand over time, in requests a second, as a line through its stretches. */
export class RatePlan {
  readonly #stretches: readonly Stretch[];

  /** The first stretch begins at its own rate; after the last one its rate goes on. */
  constructor(stretches: readonly Stretch[]) {
    this.#stretches = stretches;
  }

  get totalMs(): number {
    return this.#stretches.reduce((sum, { ms }) => sum + ms, 0);
  }

  rateAt(atMs: number): number {
    let beginMs = 0;
    let before = this.#stretches[0]?.perSecond ?? 0;
    for (const { ms, perSecond } of this.#stretches) {
      if (atMs < beginMs + ms) return before + ((perSecond - before) * (atMs - beginMs)) / ms;
      beginMs += ms;
      before = perSecond;
    }
    return before;
  }
}

/** When the crowd of the demonstration comes, ms; before it the load is calm. */
export const CROWD_AT_MS = 8_000;
const CALM_PER_SECOND = 0.4 * MEMBER_PER_SECOND;
const CROWD_PER_SECOND = 2.5 * MEMBER_PER_SECOND;

/** Calm, up to two and a half members' worth, down again. */
export const demoPlan = new RatePlan([
  { ms: CROWD_AT_MS, perSecond: CALM_PER_SECOND },
  { ms: 5_000, perSecond: CROWD_PER_SECOND },
  { ms: 15_000, perSecond: CROWD_PER_SECOND },
  { ms: 5_000, perSecond: CALM_PER_SECOND },
]);
