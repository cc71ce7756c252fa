/** How the simulated network treats what is sent over it. */
export interface NetworkOptions {
  /** One-way delay of a packet, ms: uniform between the two. */
  readonly delayMsMin: number;
  readonly delayMsMax: number;
  /** Probability (0..1) that a datagram is lost. Streams lose nothing: they retransmit. */
  readonly datagramLossShare: number;
  /** Probability (0..1) that a datagram arrives twice. */
  readonly datagramTwiceShare: number;
  /** Probability (0..1) that a datagram is held back, so that later ones overtake it. */
  readonly datagramLateShare: number;
  /** Longest time that a datagram is held back, ms. */
  readonly datagramLateMsMax: number;
  /** From a cut to the moment that both ends of a stream notice and close it, ms. */
  readonly streamBreakMs: number;
  /** How often an agent tries to connect to a peer that it has no stream to, ms. */
  readonly redialMs: number;
  /** Longest time that a message waits for a stream to its receiver, ms. */
  readonly sendWaitMs: number;
}

/** A healthy local network. */
export const quietNetwork: NetworkOptions = {
  delayMsMin: 0.25,
  delayMsMax: 1.5,
  datagramLossShare: 0,
  datagramTwiceShare: 0,
  datagramLateShare: 0,
  datagramLateMsMax: 0,
  streamBreakMs: 10_000,
  redialMs: 1_000,
  sendWaitMs: 4_000,
};

/** A network that loses, repeats and reorders more than any that one would keep. */
export const roughNetwork: NetworkOptions = {
  ...quietNetwork,
  delayMsMax: 40,
  datagramLossShare: 0.1,
  datagramTwiceShare: 0.05,
  datagramLateShare: 0.1,
  datagramLateMsMax: 800,
};
