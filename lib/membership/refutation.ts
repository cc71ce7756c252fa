/** What somebody said about our own incarnation. */
export interface Claim {
  readonly incarnation: number;
  /** True when we were called suspect or dead at it. */
  readonly accused: boolean;
}

/**
 * The own incarnation after a claim: raised over an accusation at ours or above, and over any
 * incarnation that we do not remember having had (a restored backup). Unchanged otherwise.
 */
export function refutedIncarnation(own: number, claim: Claim): number {
  const mustRaise = claim.accused ? claim.incarnation >= own : claim.incarnation > own;
  return mustRaise ? claim.incarnation + 1 : own;
}
