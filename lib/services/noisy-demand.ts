/** Counts of sessions are averaged over this long, ms; a steward looks about once a second. */
const windowMs = 5_000;
/** Looks closer together than this tell of the same, ms. */
const stepMs = 500;
/** So many standard deviations above a bound are no chance. */
const beyondChance = 2;

/** How many sessions there are at a moment, of how many one member takes. */
export interface SessionCount {
  readonly sessions: number;
  readonly perMember: number;
}

/**
 * What demand says that is counted in sessions at one instant. Requests come by chance: where eight
 * are under way on average, one count in six is eleven and more. So a count that exceeds what runs by
 * no more than chance (a Poisson count's deviation is its root) has to last; a crowd is seen at once.
 */
export class NoisyDemand {
  #counts: { readonly atMs: number; readonly sessions: number }[] = [];

  /** Members' worth of demand, to be met by those that run or by more. Call once a look. */
  demand({ sessions, perMember }: SessionCount, running: number, nowMs: number): number {
    const kept = this.#counts.filter(({ atMs }) => nowMs - atMs < windowMs);
    const last = kept.at(-1);
    const isSame = last !== undefined && nowMs - last.atMs < stepMs;
    if (isSame) kept.pop();
    kept.push({ atMs: isSame ? last.atMs : nowMs, sessions });
    this.#counts = kept;
    const surely = sessions - beyondChance * Math.sqrt(sessions);
    if (surely > running * perMember) return sessions / perMember;
    const sum = kept.reduce((total, one) => total + one.sessions, 0);
    return Math.min(sessions, sum / kept.length) / perMember;
  }
}
