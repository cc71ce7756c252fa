import { assert } from "../base/assert.ts";
import type { Prng } from "../base/prng.ts";
import { defaultElectionParams } from "../election/params.ts";
import { SourceElection } from "../election/source-election.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { type ActionReason, type Candidate, isLevelling } from "../model/action.ts";
import type { HostOpResult, MoveOffer } from "../model/host-op.ts";
import { type HostId, type MoveId, moveIdOf, type VmName } from "../model/ids.ts";
import type { VmLoad } from "../model/load.ts";
import type { VerbResult } from "../model/verb.ts";
import type { VmSpec } from "../model/vm-spec.ts";
import { candidates } from "../planning/candidates.ts";
import type { HostFigures } from "../planning/host-figures.ts";
import type { PlanningParams } from "../planning/params.ts";
import { ruleRefusal } from "../planning/rules.ts";
import { Trigger } from "../planning/trigger.ts";
import type { GrantMessage, RefuseMessage } from "../wire/messages.ts";
import type { Cluster } from "./cluster.ts";
import { figuresOfGuest, type Guest, type GuestTable } from "./guest-table.ts";
import type { MoveHistory } from "./move-history.ts";
import { MoveSearch } from "./move-search.ts";
import { moveOfGuest } from "./move-table.ts";
import type { Mover } from "./mover.ts";
import type { Outbox } from "./outbox.ts";
import { ownSummary } from "./own-figures.ts";
import type { Self } from "./self.ts";
import type { ShiftDesk } from "./shift-desk.ts";
import type { Surroundings } from "./surroundings.ts";

/** Operators' migrations that wait for an answer at one time. */
const askedMax = 8;
/** An offer writes a nonce beside the disks; then the target gathers, checks and answers. */
const answerMs = 5_000;

/** A move that this host wants and that nobody has granted yet. */
interface Proposal {
  readonly moveId: MoveId;
  readonly vm: VmName;
  readonly to: HostId;
  readonly reason: ActionReason;
  readonly gain: number;
  readonly cost: number;
  readonly version: number;
  /** As it was when the move was weighed. */
  readonly spec: VmSpec;
  readonly load: VmLoad;
  /** The verb that asked for it; null for the balancer's own. */
  readonly requestId: string | null;
}

/** One VM to one host, whatever the election would choose. */
interface Wish {
  readonly vm: VmName;
  readonly target: HostId;
  readonly requestId: string | null;
  readonly reason: "operator" | "swap";
}

export interface BalancerOptions {
  readonly self: Self;
  readonly outbox: Outbox;
  readonly prng: Prng;
  readonly guests: GuestTable;
  readonly ledger: Ledger;
  readonly mover: Mover;
  readonly history: MoveHistory;
  readonly cluster: Cluster;
  readonly surroundings: Surroundings;
  readonly shifts: Pick<ShiftDesk, "hasMembers" | "isOpen" | "begin" | "review">;
  readonly planning: PlanningParams;
  /** Answers the verb, wherever its asker sits. */
  readonly reply: (requestId: string, result: VerbResult) => void;
  /** Why this host must not act for this reason now, in words; null when it may. */
  readonly heldBack: (reason: ActionReason, nowMs: number) => string | null;
  /** A round had a reason to move something away, and found no move that may be proposed. */
  readonly noMoveFits: (nowMs: number) => void;
  /** A leg of an exchange that was proposed will not come about, in words. */
  readonly swapRefused: (vm: VmName, reason: string) => void;
}

/** The source's side of the election: when to look, what to propose, whom to ask next. */
export class Balancer {
  readonly #options: BalancerOptions;
  readonly #outbox: Outbox;
  readonly #election: SourceElection<Proposal>;
  readonly #trigger: Trigger;
  readonly #search: MoveSearch;
  /** Proposals under way, the election's and the operators', until they are answered. */
  readonly #asked = new Map<
    MoveId,
    { proposal: Proposal; offer: MoveOffer | null; untilMs: number }
  >();
  #rounds = 0;
  #sent = 0;
  #refused = 0;

  constructor(options: BalancerOptions, nowMs: number) {
    this.#options = options;
    this.#outbox = options.outbox;
    this.#trigger = new Trigger(options.planning);
    const params = { ...defaultElectionParams, answerMs };
    this.#election = new SourceElection({ prng: options.prng, params, nowMs });
    const isSkipped = (host: HostId, atMs: number) => this.#election.skips(host, atMs);
    this.#search = new MoveSearch({ ...options, isSkipped });
  }

  /** The weightiest reason to look for a move; null for none. */
  get reason(): ActionReason | null {
    return this.#trigger.reasons[0] ?? null;
  }

  get counters(): { rounds: number; proposalsSent: number; refusals: number } {
    return { rounds: this.#rounds, proposalsSent: this.#sent, refusals: this.#refused };
  }

  nextTimeoutMs(): number | undefined {
    // A host with no reason is not woken to find that it has none.
    const idle = this.reason === null && this.#election.open === null;
    let next = idle ? undefined : this.#election.nextTimeoutMs;
    for (const { untilMs } of this.#asked.values()) next = Math.min(next ?? untilMs, untilMs);
    return next;
  }

  /** Once a load sample: has this host a reason to look? */
  loadSampled(nowMs: number): void {
    const { surroundings, shifts } = this.#options;
    shifts.review(nowMs);
    const self = surroundings.own();
    this.#search.loadSampled(self, nowMs);
    this.#trigger.observe({
      self,
      mean: surroundings.mean(),
      least: surroundings.least(),
      measuring: this.#options.self.measuring,
      brokenRules: surroundings.brokenRules(nowMs),
      nowMs,
    });
  }

  /** A VM has left: there is room on the way out again. */
  departed(nowMs: number): void {
    this.#election.lookSoon(nowMs);
  }

  timeout(nowMs: number): void {
    for (const { proposal, untilMs } of [...this.#asked.values()]) {
      if (untilMs > nowMs) continue;
      this.#drop(proposal, 504, `${this.#name(proposal.to)} did not answer in time`);
    }
    this.#election.overdue(nowMs);
    if (this.#election.roundDue(nowMs)) this.#round(nowMs);
  }

  #round(nowMs: number): void {
    const { heldBack } = this.#options;
    const reasons = this.#trigger.reasons.filter((reason) => heldBack(reason, nowMs) === null);
    if (!this.#mayLook(reasons)) return;
    this.#rounds += 1;
    // A reason that no move serves must not keep the next one from its turn.
    for (const reason of reasons) {
      const weighed = this.#search.find(reason, nowMs);
      if (isLevelling(reason) && this.#shifts(weighed[0], nowMs)) return;
      if (weighed.length > 0) {
        const choices = weighed.map((one) => this.#proposalOf(one, reason, null));
        const first = this.#election.begin(choices, nowMs);
        if (first) this.#ask(first, nowMs);
        return;
      }
    }
    const { ripeAtMs } = this.#search;
    if (ripeAtMs !== undefined) this.#election.lookBy(ripeAtMs);
    else if (!this.#search.expectsMore(nowMs)) this.#election.foundNothing();
    if (reasons.some(isLevelling)) this.#options.noMoveFits(nowMs);
  }

  #mayLook(reasons: readonly ActionReason[]): boolean {
    const { guests, ledger, shifts } = this.#options;
    if (reasons.length === 0 || ledger.freeSlotsOut === 0) return false;
    // One action at a time: what a shift leaves to be done is seen when it is done.
    if (shifts.isOpen && reasons.every(isLevelling)) return false;
    return guests.size > 0 || shifts.hasMembers;
  }

  /** Asks for a shift instead of the best move, if there is one that wins more. */
  #shifts(move: Candidate | undefined, nowMs: number): boolean {
    const rivals = { moveScore: move?.score ?? 0, level: this.#search.level };
    return !this.#options.shifts.isOpen && this.#options.shifts.begin(rivals, nowMs);
  }

  #weigh(reason: ActionReason, target: HostFigures, nowMs: number): Candidate[] {
    const { surroundings, planning } = this.#options;
    return candidates({
      self: surroundings.own(),
      vms: surroundings.ownVms(nowMs),
      targets: [target],
      reason,
      nowMs,
      scale: surroundings.scale(),
      params: planning,
    });
  }

  #proposalOf(candidate: Candidate, reason: ActionReason, requestId: string | null): Proposal {
    const { guests, prng } = this.#options;
    const guest = guests.get(candidate.vm);
    assert(guest, "a candidate is an own VM");
    const { version, spec } = guest.owned;
    return {
      moveId: moveIdOf(candidate.vm, version + 1, prng.hex(16)),
      vm: candidate.vm,
      to: candidate.to,
      reason,
      gain: candidate.gain,
      cost: candidate.cost,
      version,
      spec,
      load: figuresOfGuest(guest, undefined).load,
      requestId,
    };
  }

  /** An operator's word: this VM to that host. Null when asked, else why not. */
  askFor(
    vm: VmName,
    target: HostId,
    requestId: string,
    nowMs: number,
  ): { status: number; message: string } | null {
    return this.#askFor({ vm, target, requestId, reason: "operator" }, nowMs);
  }

  /** True while the VM is proposed to somebody. */
  asks(vm: VmName): boolean {
    return [...this.#asked.values()].some((one) => one.proposal.vm === vm);
  }

  /** A leg of an exchange: this VM to that host. Null when asked, else why not. */
  proposeSwap(vm: VmName, target: HostId, nowMs: number): string | null {
    if (!this.#options.guests.get(vm)) return `${vm} is no longer here`;
    const wish = { vm, target, requestId: null, reason: "swap" } as const;
    return this.#askFor(wish, nowMs)?.message ?? null;
  }

  #askFor(
    { vm, target, requestId, reason }: Wish,
    nowMs: number,
  ): { status: number; message: string } | null {
    const { guests, ledger, surroundings, planning, mover } = this.#options;
    const guest = guests.get(vm);
    assert(guest, "the verb was sent to the owner");
    const to = surroundings.figuresOf(target);
    if (!to) return { status: 404, message: this.#absence(target) };
    const own = surroundings.own();
    const busy = [...this.#asked.values()].find((one) => one.proposal.vm === vm);
    if (busy) return { status: 409, message: `${vm} is being proposed (${busy.proposal.moveId})` };
    if (ledger.freeSlotsOut === 0 || this.#asked.size >= askedMax) {
      return {
        status: 409,
        message: `${own.name} is sending another VM; try again when it is done`,
      };
    }
    const figures = figuresOfGuest(guest, moveOfGuest(mover.table.ofVm(vm), nowMs));
    const refusal = ruleRefusal(figures, own, to, {
      reason,
      memoryShareMax: planning.memoryShareMax,
    });
    if (refusal !== null) return { status: 409, message: refusal };
    const [weighed] = this.#weigh(reason, to, nowMs).filter((one) => one.vm === vm);
    if (!weighed) return { status: 409, message: `${vm} cannot be weighed for ${to.name}` };
    this.#ask(this.#proposalOf(weighed, reason, requestId), nowMs);
    return null;
  }

  #absence(target: HostId): string {
    const { cluster } = this.#options;
    const state = cluster.membership.stateOf(target);
    const name = this.#name(target);
    if (state === undefined) return `${name} is no member`;
    return state === "alive" ? `${name} has not told its size yet` : `${name} is ${state}`;
  }

  #ask(proposal: Proposal, nowMs: number): void {
    const { guests, outbox } = this.#options;
    const guest = guests.get(proposal.vm);
    assert(guest, "only own VMs are proposed");
    this.#asked.set(proposal.moveId, { proposal, offer: null, untilMs: nowMs + answerMs });
    const { moveId } = proposal;
    outbox.run({ op: "offer", moveId, spec: guest.owned.spec }, { part: "offer", moveId });
  }

  offerEnded(moveId: MoveId, result: HostOpResult, nowMs: number): void {
    const asked = this.#asked.get(moveId);
    if (!asked) return;
    const { proposal } = asked;
    if (!result.ok) {
      this.#drop(proposal, 409, result.message);
      this.#electionOver(proposal, nowMs);
      return;
    }
    const { self, guests, ledger } = this.#options;
    asked.offer = result.value as MoveOffer;
    this.#sent += 1;
    this.#outbox.send(proposal.to, {
      type: "propose",
      moveId,
      offer: asked.offer,
      load: proposal.load,
      reason: proposal.reason,
      gain: proposal.gain,
      cost: proposal.cost,
      source: ownSummary(self, guests, ledger),
      version: proposal.version,
      recentMoves: this.#options.mover.recentMovesNext(proposal.vm, nowMs),
    });
  }

  onGrant(from: HostId, message: GrantMessage, nowMs: number): void {
    const asked = this.#asked.get(message.moveId);
    const guest = asked && this.#options.guests.get(asked.proposal.vm);
    const withdrawn = asked ? this.#withdrawal(asked.proposal, guest, nowMs) : "it came too late";
    if (!asked || asked.proposal.to !== from || withdrawn !== null || !guest) {
      const reason = `the proposal is withdrawn: ${withdrawn ?? "it was sent elsewhere"}`;
      this.#outbox.send(from, { type: "abort", moveId: message.moveId, reason });
      if (asked && asked.proposal.to === from) this.#drop(asked.proposal, 409, reason);
      return;
    }
    const { proposal } = asked;
    this.#asked.delete(proposal.moveId);
    this.#election.end();
    this.#options.guests.refusals.forget(proposal.vm, from);
    const { moveId, vm, version, reason, gain, cost, load } = proposal;
    const { spec } = guest.owned;
    const recentMoves = this.#options.mover.recentMovesNext(vm, nowMs);
    this.#options.mover.beginSource(
      { moveId, vm, peer: from, version, spec, reason, gain, cost, recentMoves },
      load,
      nowMs,
    );
    if (proposal.requestId !== null) {
      const message = `moving ${vm} to ${this.#name(from)}`;
      this.#options.reply(proposal.requestId, { status: 202, message, data: null, moveId });
    }
  }

  /** Why a granted proposal is not taken up after all; null when it is. */
  #withdrawal(proposal: Proposal, guest: Guest | undefined, nowMs: number): string | null {
    const { ledger, mover, heldBack } = this.#options;
    if (!guest || guest.owned.version !== proposal.version) return "the VM is no longer here";
    // The target has judged by the rules of then, and was promised to what it was told.
    if (guest.owned.spec !== proposal.spec) return "its definition or its rules changed meanwhile";
    const { immovable } = figuresOfGuest(guest, moveOfGuest(mover.table.ofVm(proposal.vm), nowMs));
    if (immovable !== null) return immovable;
    if (ledger.freeSlotsOut === 0) return "another VM is on its way out";
    return heldBack(proposal.reason, nowMs);
  }

  onRefuse(from: HostId, message: RefuseMessage, nowMs: number): void {
    const asked = this.#asked.get(message.moveId);
    if (asked?.proposal.to !== from) return;
    const { proposal } = asked;
    this.#refused += 1;
    this.#drop(proposal, 409, `${this.#name(from)} refused: ${message.reason}`);
    const { vm, to } = proposal;
    const isLasting = message.lasting === true;
    const refusal = { vm, to, reason: message.reason, atMs: nowMs, isLasting };
    this.#options.guests.refusals.note(refusal);
    this.#electionOver(proposal, nowMs);
  }

  /** The election's next best, if the proposal was the election's. */
  #electionOver(proposal: Proposal, nowMs: number): void {
    if (proposal.requestId !== null || proposal.reason === "swap") return;
    const next = this.#election.refused(proposal.to, nowMs);
    if (next) this.#ask(next, nowMs);
    else if (this.#search.isHasty(nowMs)) this.#election.lookSoon(nowMs);
  }

  #drop(proposal: Proposal, status: number, message: string): void {
    this.#asked.delete(proposal.moveId);
    if (proposal.reason === "swap") this.#options.swapRefused(proposal.vm, message);
    if (proposal.requestId !== null) {
      this.#options.reply(proposal.requestId, { status, message, data: null, moveId: null });
    }
    this.#outbox.notice("debug", "proposal-refused", `${proposal.vm}: ${message}`, {
      vm: proposal.vm,
      moveId: proposal.moveId,
      to: this.#name(proposal.to),
    });
  }

  #name(host: HostId): string {
    return this.#options.surroundings.nameOf(host);
  }
}
