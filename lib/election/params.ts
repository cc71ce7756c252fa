/** Settings of the election (sampled locally dominant matching; README, "How it works"). */
export interface ElectionParams {
  /** Time between a source's looks, in ms, while they find something or better may come. */
  readonly roundMs: number;
  /** A source whose slot became free looks again within this time. */
  readonly soonMs: number;
  /** Looks that find nothing double the time to the next, so often at most. */
  readonly idleRoundsMax: number;
  /** Each round is longer or shorter by up to this share, so that sources do not march in step. */
  readonly roundJitterShare: number;
  /**
   * Hosts that a source looks at in one round for a rule or a drain, where any that fits will do. To
   * even out it looks at all that it has fresh news of.
   */
  readonly sampleSize: number;
  /** Proposals that a source may make in one round. */
  readonly triesMax: number;
  /** A host that refused is not asked again for this long. */
  readonly skipMs: number;
  /** A proposal that nobody answered for this long counts as refused. */
  readonly answerMs: number;
  /** How long a target gathers proposals before it decides, after the first. */
  readonly gatherMs: number;
  /** Proposals that a target keeps while it gathers; the rest is refused at once. */
  readonly gatheredMax: number;
}

export const defaultElectionParams: ElectionParams = {
  roundMs: 1_000,
  soonMs: 100,
  idleRoundsMax: 3,
  roundJitterShare: 0.2,
  sampleSize: 16,
  triesMax: 8,
  skipMs: 3_000,
  answerMs: 1_500,
  gatherMs: 150,
  gatheredMax: 64,
};
