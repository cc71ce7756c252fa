/** Bounds of what this member keeps about the others, and of one exchange. */
export interface ViewParams {
  /** Hosts that are remembered; beyond, a fresh newcomer takes the place of a stale one. */
  readonly hostsMax: number;
  /** Up to so many hosts everybody knows everybody's newest records; above, exchanges are partial. */
  readonly fullHostsMax: number;
  /** Versions of dropped hosts that are remembered, so that old records do not bring them back. */
  readonly droppedMax: number;
  /** VM entries in one answer, so that it fits a frame. */
  readonly answerVmsMax: number;
  /** A summary made longer ago counts as stale where there are more hosts than everybody knows, ms. */
  readonly freshMs: number;
  /** Entries of a partial digest: self, at most `freshNamedMax` of the freshest, a random rest. */
  readonly partialEntriesMax: number;
  readonly freshNamedMax: number;
  /** Summaries that one side of a partial exchange gives, and asks for: freshest first. */
  readonly freshGivenMax: number;
  /** Beyond those: of hosts heard of long ago, so that nobody is forgotten; and inventories. */
  readonly restGivenMax: number;
  /** Summaries that a host is given which knows few others yet. */
  readonly newcomerGivenMax: number;
}

export const viewDefaults: ViewParams = {
  // The largest fleet that evenkeel is for.
  hostsMax: 1024,
  fullHostsMax: 256,
  droppedMax: 1024,
  // About 250 bytes each: half of the largest frame.
  answerVmsMax: 512,
  // Three publications: with 20 records a second that is a hundred hosts and more.
  freshMs: 15_000,
  // 4 KB a second; what a neighbour has newer lies among the freshest of one of the two.
  partialEntriesMax: 64,
  freshNamedMax: 48,
  // Two exchanges a second, as asker and as asked: a dozen records received, and some inventories.
  freshGivenMax: 5,
  restGivenMax: 1,
  newcomerGivenMax: 64,
};

/**
 * Where there are more hosts than anybody could know, each knows a part that changes all the time:
 * a few times what planning weighs do as well, and a short digest names enough that is news to the
 * other. Everything a host keeps about the others lies nearer to its processor so.
 */
export const vastDefaults: ViewParams = {
  ...viewDefaults,
  // Above `fullHostsMax`, and above what is fresh: fifteen records a second for `freshMs`.
  hostsMax: 320,
  partialEntriesMax: 24,
  freshNamedMax: 18,
};
