/** Numbers of the failure detector. Times in ms; each default says why. */
export interface MembershipParams {
  /** Between two regular probes of a host; each goes to the next member of a shuffled round. */
  readonly probeIntervalMs: number;
  /** Share (0..1) by which an interval is shortened or lengthened at random. */
  readonly jitterShare: number;
  /** From the direct probe to the indirect ones; longer by half of it per point of health score. */
  readonly probeTimeoutMs: number;
  /** From the indirect and stream probes to the suspicion; longer likewise. */
  readonly indirectTimeoutMs: number;
  /** Members asked to probe in our place. */
  readonly indirectProbes: number;
  /** Probes begun at once (closed streams, suspicions) start within this time, to be staggered. */
  readonly promptProbeSpreadMs: number;
  /** Probes running at one moment. */
  readonly probesMax: number;
  /** Probes that we relay for others at one moment. */
  readonly relaysMax: number;
  /** How long a relayed probe may take to be acked. */
  readonly relayTimeoutMs: number;
  /** Time to refute with enough independent confirmations; a quarter longer per point of score. */
  readonly suspicionMsMin: number;
  /** Time to refute with no confirmation. */
  readonly suspicionMsMax: number;
  /** Independent confirmations that bring the time down to its minimum. */
  readonly confirmationsMax: number;
  /** Members that, on hearing of a suspicion, are expected to probe for themselves. */
  readonly secondOpinions: number;
  /** Between two probes of one suspect. */
  readonly suspectProbeIntervalMs: number;
  /** Between two probes of dead members, so that partitions heal. */
  readonly deadProbeIntervalMs: number;
  /** How long a member that announced its restart is awaited before it counts as dead. */
  readonly restartGraceMs: number;
  readonly forgetDeadMs: number;
  readonly forgetLeftMs: number;
  /** How long a verdict rides on gossip. */
  readonly verdictRideMs: number;
  /** Lateness of the own timers from which the host blames itself. */
  readonly latenessMs: number;
  /** Highest local health score; 0 is healthy. */
  readonly healthScoreMax: number;
}

export const membershipDefaults: MembershipParams = {
  // A UDP probe costs 0.11 % of a core at one a second.
  probeIntervalMs: 1000,
  // Hosts started together must not probe in step.
  jitterShare: 0.1,
  // A thousand round trips of a segment, yet a third of what a starved host may need.
  probeTimeoutMs: 500,
  indirectTimeoutMs: 1000,
  // SWIM: with 10 % loss three helpers leave one false alarm in thousands.
  indirectProbes: 3,
  // Later suspects see that three have spoken already and keep their news to gossip.
  promptProbeSpreadMs: 150,
  probesMax: 32,
  relaysMax: 256,
  relayTimeoutMs: 3000,
  // 1.5 s of probing and 2 s of suspicion leave 1.5 s of the five for the news.
  suspicionMsMin: 2000,
  suspicionMsMax: 6000,
  // Lifeguard, section IV-B.
  confirmationsMax: 3,
  secondOpinions: 4,
  suspectProbeIntervalMs: 1000,
  // 0.04 % of a core while somebody is dead; a healed partition is seen within seconds.
  deadProbeIntervalMs: 3000,
  restartGraceMs: 60_000,
  forgetDeadMs: 24 * 3_600_000,
  forgetLeftMs: 3_600_000,
  // Push-pull needs 2 to 6 s to reach 100 hosts; newcomers find out by themselves.
  verdictRideMs: 30_000,
  latenessMs: 250,
  healthScoreMax: 8,
};
