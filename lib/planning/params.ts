/** Settings of the planner. Gains, costs and scores are in units of the potential (potential.ts). */
export interface PlanningParams {
  /** How much each resource counts in the potential; 1 is the weight that gains are stated in. */
  readonly weights: { readonly cpu: number; readonly memory: number; readonly network: number };
  /**
   * Least gain, beyond its cost, of a move that only evens out. In trials 0.002 made four
   * times as many late moves as 0.005, for an end spread that was lower by 0.002 only.
   */
  readonly gainMin: number;
  /**
   * Extra gain that a move must show, per unit of noise² in the VM's load: where loads swing within
   * minutes, a small gain is gone before the move has paid for itself.
   */
  readonly gainPerNoise: number;
  /**
   * The same, per unit of noise² and of the square of what the VM weighs. Two hosts differ by chance
   * by several deviations of what they carry within an hour, and the gain by 2 x weight times that.
   */
  readonly doubtPerNoise: number;
  /** Noise of a load that nobody measured: the mean deviation of samples of ±15 %. */
  readonly noiseShareAssumed: number;
  /** Noise counts no further than this, or a VM that works in bursts could never be moved. */
  readonly noiseShareMax: number;
  /** Share of a host's memory that guests and host may fill by moves, 0..1. */
  readonly memoryShareMax: number;
  /** A host is hot above this utilisation of CPU or memory. */
  readonly hotShare: number;
  /** How far above the mean utilisation a host must be before it looks for a move. */
  readonly marginShare: number;
  /** A host near the mean looks where the gap to the least loaded one can win so many `gainMin`. */
  readonly gapGainsMin: number;
  /** A reason must hold in `triggerNeeded` of the last `triggerSamples` samples. */
  readonly triggerNeeded: number;
  readonly triggerSamples: number;
  /** What a transfer may be expected to reach between two hosts. */
  readonly linkBytesPerSecond: number;
  /** What writing a member's memory to a local disk, or reading it, may be expected to reach. */
  readonly diskBytesPerSecond: number;
  /** Rise of the potential while a transfer runs: about 5 % of a busy host, at both ends. */
  readonly transferBurden: number;
  /**
   * A shift must win so many times what a move of the same load must. It drains sessions, and what a
   * member asks for depends on whom the switch sends where; with 1, noise of 10 % shifted a member
   * between equal hosts once a minute.
   */
  readonly shiftGainsMin: number;
  /** How long a new placement is expected to stay useful. A move's cost is spread over it. */
  readonly horizonMs: number;
  /** Price of the pause that every live move has, whatever its size. */
  readonly pauseCost: number;
  /** A transfer is priced as if it ended by then: by auto-converge, or by giving up. */
  readonly transferMsMax: number;
  /** First rest of a VM that was moved; doubles with each move that follows closely. */
  readonly coolDownMs: number;
  readonly coolDownMsMax: number;
  /** Hosts that are planned for together; with more, each weighs its own VMs alone. */
  readonly jointHostsMax: number;
  /** Under a cap on moves: how often the search kicks a plan that it cannot better step by step. */
  readonly planKicks: number;
  /** It kicks less often where kicks x VMs x hosts would be more: about 50 ms of search. */
  readonly planWorkMax: number;
  /** The first moves of an imbalance are near this share of the best that can be had (Patience). */
  readonly patienceStartShare: number;
  /** The level of patience halves in the time of so many moves. */
  readonly patienceTransfers: number;
  /** The same in haste. */
  readonly hasteTransfers: number;
  /** All make haste where this share of the hosts is hot in CPU. */
  readonly hasteHostsShare: number;
  /** From the end of a transfer until the next can begin: hand-over, gossip, the next look. */
  readonly settleMs: number;
  /** The same where all plan together: their plans agree only once each knows of all moves. */
  readonly jointSettleMs: number;
  /** Scores that differ by less than this share are as good as equal: chance orders them. */
  readonly spreadShare: number;
  /** Moves that one look of the balancer is worth: more than it may propose in a round. */
  readonly shortlistMax: number;
  /** Candidates that one look may return. */
  readonly candidatesMax: number;
}

export const defaultPlanningParams: PlanningParams = {
  // Half for the network: below saturation a busy link delays nobody, speeds are only what the cards
  // claim (not what the switch behind them carries), and traffic between two VMs of one host, which
  // uses no link, is in the VMs' figures too.
  weights: { cpu: 1, memory: 1, network: 0.5 },
  gainMin: 0.002,
  gainPerNoise: 0.02,
  doubtPerNoise: 10,
  noiseShareAssumed: 0.075,
  noiseShareMax: 0.5,
  memoryShareMax: 0.9,
  hotShare: 0.9,
  marginShare: 0.02,
  gapGainsMin: 2,
  triggerNeeded: 3,
  triggerSamples: 5,
  linkBytesPerSecond: 110_000_000,
  diskBytesPerSecond: 200_000_000,
  transferBurden: 0.1,
  shiftGainsMin: 5,
  horizonMs: 1_800_000,
  pauseCost: 0.0005,
  transferMsMax: 600_000,
  coolDownMs: 60_000,
  coolDownMsMax: 3_600_000,
  jointHostsMax: 32,
  planKicks: 400,
  planWorkMax: 200_000,
  patienceStartShare: 0.8,
  patienceTransfers: 1.2,
  hasteTransfers: 0.08,
  hasteHostsShare: 0.05,
  settleMs: 8_000,
  jointSettleMs: 12_000,
  spreadShare: 0.1,
  shortlistMax: 16,
  candidatesMax: 1024,
};
