/** Settings of the virtual clusters (README, "Virtual clusters"); a service's own are in its file. */
export interface ServiceParams {
  /** First and longest wait of a member before what failed is tried again, in ms; it doubles. */
  readonly retryMsMin: number;
  readonly retryMsMax: number;
  /** From the end of a drain's limit until the member rests: all switches hear of it, in ms. */
  readonly leaveMs: number;
  /** Members of all services that may be staged at once in the cluster; one a host. */
  readonly stagingsMax: number;
  /** A turn to be staged counts once it has lasted so long: news must have got about, in ms. */
  readonly turnMs: number;
  /** Proposals of one look at one service. */
  readonly proposalsMax: number;
  /** A proposal that nobody answered for this long counts as refused, in ms. */
  readonly answerMs: number;
  /** A granted change that nobody sees in the gossip for this long counts as failed, in ms. */
  readonly grantedMs: number;
  /** A host that refused is not asked again for this long, in ms. */
  readonly skipMs: number;
  /** The same where the two only had not heard the same yet, in ms: news takes about as long. */
  readonly skipSoonMs: number;
  /** Between two questions to a running member for its health, ms. */
  readonly healthEveryMs: number;
  /** So many misses in a row make it unhealthy. */
  readonly healthMissesMax: number;
  /** One that is unhealthy for so long is staged anew, if others serve, ms. */
  readonly unhealthyMsMax: number;
  /** A change upwards comes after this share of the service's settle time at the earliest. */
  readonly settleUpShare: number;
  /** A calm of less than this is none, however short the service's settle time is, in ms. */
  readonly calmMsMin: number;
  /** The calm for members that came by themselves, as after a partition, in ms. */
  readonly surplusCalmMs: number;
  /** One member less must leave this share of the target free, or none is taken away. */
  readonly spareShare: number;
}

export const defaultServiceParams: ServiceParams = {
  retryMsMin: 2_000,
  retryMsMax: 300_000,
  leaveMs: 2_000,
  stagingsMax: 4,
  turnMs: 3_000,
  proposalsMax: 8,
  answerMs: 1_500,
  grantedMs: 10_000,
  skipMs: 2_000,
  skipSoonMs: 300,
  healthEveryMs: 1_000,
  healthMissesMax: 3,
  unhealthyMsMax: 30_000,
  settleUpShare: 0.1,
  calmMsMin: 12_000,
  surplusCalmMs: 3_000,
  spareShare: 0.15,
};
