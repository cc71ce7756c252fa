import { compareText } from "../base/ordered.ts";
import { hashText } from "../base/prng.ts";
import type { ActionReason } from "../model/action.ts";
import type { HostId, MoveId, VmName } from "../model/ids.ts";
import type { ElectionParams } from "./params.ts";

/** A proposal as the target gathers it; the caller's own may carry more. */
export interface GatheredProposal {
  readonly moveId: MoveId;
  readonly vm: VmName;
  readonly source: HostId;
  /** For people. */
  readonly sourceName: string;
  readonly reason: ActionReason;
}

export interface Judgement {
  readonly score: number;
  readonly refusal: string | null;
}

export interface Decision<Proposal> {
  readonly granted: readonly Proposal[];
  /** Each with why, in words. */
  readonly refused: readonly { readonly proposal: Proposal; readonly reason: string }[];
}

export interface DecideOptions<Proposal> {
  /** Moves that may be granted now. */
  readonly slots: number;
  /** Scores one proposal with the ledger as it is at that moment. */
  readonly judge: (proposal: Proposal) => Judgement;
  /** Reserves for it: what is judged afterwards must see the reservation. */
  readonly grant: (proposal: Proposal) => void;
}

/** What the operator asked for, and what repairs, goes before what only evens out. */
const URGENCY: Readonly<Record<ActionReason, number>> = {
  operator: 4,
  drain: 3,
  rule: 2,
  swap: 2,
  hot: 1,
  imbalance: 0,
};

/**
 * A target's side of the election: it gathers proposals for a moment, so that it can grant the best
 * of them and not the first.
 */
export class TargetElection<Proposal extends GatheredProposal> {
  readonly #params: ElectionParams;
  #gathered: Proposal[] = [];
  #decideAtMs: number | undefined;

  constructor(params: ElectionParams) {
    this.#params = params;
  }

  /** When to call `decide`; undefined while nothing is gathered. */
  get nextTimeoutMs(): number | undefined {
    return this.#decideAtMs;
  }

  /**
   * Keeps a proposal until the decision. A newer one of the same source takes the older one's
   * place. False when there is no room for it: refuse it at once. An operator's order waits for no
   * others: none could go before it, and somebody waits for its end.
   */
  gather(proposal: Proposal, nowMs: number): boolean {
    const others = this.#gathered.filter((one) => one.source !== proposal.source);
    if (others.length >= this.#params.gatheredMax) return false;
    this.#gathered = [...others, proposal];
    if (proposal.reason === "operator") this.#decideAtMs = nowMs;
    this.#decideAtMs ??= nowMs + this.#params.gatherMs;
    return true;
  }

  /** What this source has proposed and nobody has decided on. */
  proposalOf(source: HostId): Proposal | undefined {
    return this.#gathered.find((one) => one.source === source);
  }

  /** The source withdrew it. */
  withdraw(moveId: MoveId): void {
    this.#gathered = this.#gathered.filter((one) => one.moveId !== moveId);
    if (this.#gathered.length === 0) this.#decideAtMs = undefined;
  }

  /** Grants the best that fit, refuses the rest, and starts gathering anew. */
  decide(options: DecideOptions<Proposal>): Decision<Proposal> {
    let open: readonly Proposal[] = this.#gathered;
    this.#gathered = [];
    this.#decideAtMs = undefined;
    const granted: Proposal[] = [];
    let refused: Judged<Proposal>[] = [];
    for (let slots = options.slots; ; slots--) {
      const judged = open.map((proposal) => ({ proposal, ...options.judge(proposal) }));
      refused = [...refused, ...judged.filter((one) => one.refusal !== null)];
      const fitting = judged.filter((one) => one.refusal === null).sort(compareJudged);
      const best = fitting.shift();
      if (!best || slots <= 0) {
        if (best) refused = [...refused, ...[best, ...fitting].map((one) => lost(one, granted))];
        break;
      }
      options.grant(best.proposal);
      granted.push(best.proposal);
      open = fitting.map((one) => one.proposal);
    }
    return {
      granted,
      refused: refused.map(({ proposal, refusal }) => ({ proposal, reason: refusal ?? "" })),
    };
  }
}

interface Judged<Proposal> extends Judgement {
  readonly proposal: Proposal;
}

/** Best first; equal ones by a hash of their ids, the same on every host. */
function compareJudged(a: Judged<GatheredProposal>, b: Judged<GatheredProposal>): number {
  return (
    URGENCY[b.proposal.reason] - URGENCY[a.proposal.reason] ||
    b.score - a.score ||
    hashText(a.proposal.moveId) - hashText(b.proposal.moveId) ||
    compareText(a.proposal.moveId, b.proposal.moveId)
  );
}

function lost<Proposal extends GatheredProposal>(
  one: Judged<Proposal>,
  granted: readonly Proposal[],
): Judged<Proposal> {
  const winner = granted[0];
  const refusal = winner
    ? `took ${winner.vm} from ${winner.sourceName} instead, which wins more or is more urgent`
    : "is busy with other moves (no free slot)";
  return { ...one, refusal };
}
