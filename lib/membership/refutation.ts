/** What somebody said about our own incarnation. */
export interface Claim {
  readonly incarnation: number;
  /** True when we were called suspect or dead at it. */
  readonly accused: boolean;
}

/** Far more than a host ever restarts or refutes while somebody has not heard of it. */
const INCARNATION_JUMP_MAX = 1_000_000;

/**
 * False for a hearsay incarnation that no host can have come to since `known`: believed, it would
 * end in numbers above which nobody can refute any more.
 */
export function isCredibleIncarnation(known: number, claimed: number): boolean {
  return claimed <= known + INCARNATION_JUMP_MAX;
}

/**
 * The own incarnation after a claim: raised over an accusation at ours or above, and over any
 * incarnation that we do not remember having had (a restored backup). Unchanged otherwise,
 * and over what is not credible.
 */
export function refutedIncarnation(own: number, claim: Claim): number {
  if (!isCredibleIncarnation(own, claim.incarnation)) return own;
  const mustRaise = claim.accused ? claim.incarnation >= own : claim.incarnation > own;
  return mustRaise ? claim.incarnation + 1 : own;
}
