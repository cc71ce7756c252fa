import type { Prng } from "../base/prng.ts";
import type { HostId, VmName } from "../model/ids.ts";
import type { ElectionParams } from "./params.ts";
import { SkippedHosts } from "./skipped-hosts.ts";

/** Something to propose; planning's candidates have it. */
export interface Choice {
  readonly vm: VmName;
  readonly to: HostId;
}

/**
 * A source's side of the election: when to look, whom to ask next, and when to give up. It keeps
 * one open proposal at a time. The caller finds the candidates and sends the messages.
 */
export class SourceElection<Proposal extends Choice> {
  readonly #prng: Prng;
  readonly #params: ElectionParams;
  readonly #skipped: SkippedHosts;
  #nextRoundMs: number;
  #queue: readonly Proposal[] = [];
  #tries = 0;
  #idleRounds = 0;
  #open: { proposal: Proposal; untilMs: number } | null = null;

  /** The first round comes at a random moment of the first `roundMs`. */
  constructor(options: { prng: Prng; params: ElectionParams; nowMs: number }) {
    this.#prng = options.prng;
    this.#params = options.params;
    this.#skipped = new SkippedHosts(options.params.skipMs);
    this.#nextRoundMs = options.nowMs + options.prng.nextShare() * options.params.roundMs;
  }

  /** The proposal that waits for an answer, or null. */
  get open(): Proposal | null {
    return this.#open?.proposal ?? null;
  }

  /** When to call `roundDue` or `overdue` next. */
  get nextTimeoutMs(): number {
    return this.#open ? this.#open.untilMs : this.#nextRoundMs;
  }

  /** True once a round, when it is time to look; never while a proposal is open. */
  roundDue(nowMs: number): boolean {
    if (this.#open || nowMs < this.#nextRoundMs) return false;
    const { roundMs, roundJitterShare } = this.#params;
    const jitter = 1 + roundJitterShare * (2 * this.#prng.nextShare() - 1);
    this.#nextRoundMs = nowMs + roundMs * jitter;
    return true;
  }

  /** A slot is free again: the next look comes within a moment, and not only with the next round. */
  lookSoon(nowMs: number): void {
    const atMs = nowMs + this.#prng.nextShare() * this.#params.soonMs;
    this.#nextRoundMs = Math.min(this.#nextRoundMs, atMs);
    this.#idleRounds = 0;
  }

  /** Something will be worth proposing by then: the next look comes no later. */
  lookBy(atMs: number): void {
    this.#nextRoundMs = Math.min(this.#nextRoundMs, atMs);
  }

  /** A look found nothing worth proposing: the next comes later, each time by twice as much. */
  foundNothing(): void {
    const { roundMs, idleRoundsMax } = this.#params;
    this.#idleRounds = Math.min(this.#idleRounds + 1, idleRoundsMax);
    this.#nextRoundMs += roundMs * (2 ** this.#idleRounds - 1);
  }

  /** True while `host` is not to be asked, because it refused a moment ago. */
  skips(host: HostId, nowMs: number): boolean {
    return this.#skipped.has(host, nowMs);
  }

  /** Opens a round with what may be proposed, best first. What to propose now, or null. */
  begin(choices: readonly Proposal[], nowMs: number): Proposal | null {
    this.#queue = choices;
    this.#tries = 0;
    this.#idleRounds = 0;
    return this.#next(nowMs);
  }

  /** `host` refused. What to propose now instead, or null when the round is over. */
  refused(host: HostId, nowMs: number): Proposal | null {
    this.#skipped.add(host, nowMs);
    if (this.#open?.proposal.to !== host) return null;
    return this.#next(nowMs);
  }

  /** Gives up on an answer that is late. The proposal that was given up, or null. */
  overdue(nowMs: number): Proposal | null {
    if (!this.#open || nowMs < this.#open.untilMs) return null;
    const { proposal } = this.#open;
    this.#skipped.add(proposal.to, nowMs);
    this.end();
    return proposal;
  }

  /** The proposal was granted, or withdrawn: the round is over. */
  end(): void {
    this.#open = null;
    this.#queue = [];
  }

  #next(nowMs: number): Proposal | null {
    this.#open = null;
    if (this.#tries >= this.#params.triesMax) return null;
    const proposal = this.#queue.find(({ to }) => !this.skips(to, nowMs));
    if (!proposal) return null;
    this.#tries++;
    this.#open = { proposal, untilMs: nowMs + this.#params.answerMs };
    return proposal;
  }
}
