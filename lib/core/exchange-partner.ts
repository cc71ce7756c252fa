import type { Ledger } from "../ledger/ledger.ts";
import type { ActionReason } from "../model/action.ts";
import type { HostId, VmName } from "../model/ids.ts";
import { costOf } from "../planning/action-cost.ts";
import { fitsAfter, pairGain } from "../planning/exchange.ts";
import { figuresOfSummary } from "../planning/host-figures.ts";
import type { PlanningParams } from "../planning/params.ts";
import { standingRefusal } from "../planning/rules.ts";
import type { VmFigures } from "../planning/vm-figures.ts";
import type { ExchangeMessage, PassOnMessage } from "../wire/messages.ts";
import type { Guest, GuestTable } from "./guest-table.ts";
import type { MoveHistory } from "./move-history.ts";
import type { Outbox } from "./outbox.ts";
import type { Surroundings } from "./surroundings.ts";

/** A VM that came by an exchange may be asked to go on for this long; then it is at home. */
const guestMsMax = 3_600_000;
/** Answers that are remembered, for an asker that did not hear them. */
const answersMax = 16;

export interface ExchangePartnerOptions {
  readonly outbox: Outbox;
  readonly guests: GuestTable;
  readonly ledger: Ledger;
  readonly history: MoveHistory;
  readonly surroundings: Surroundings;
  readonly planning: PlanningParams;
  /** Monotonic ms plus this is wall-clock ms. */
  readonly wallOffsetMs: () => number;
  readonly heldBack: (reason: ActionReason, nowMs: number) => string | null;
  /** Proposes a leg: this own VM to that host. Null when it is being asked, else why not. */
  readonly propose: (vm: VmName, target: HostId, nowMs: number) => string | null;
  /** True while the VM is proposed or moved from here. */
  readonly underWay: (vm: VmName) => boolean;
}

/** The exchange that this host has agreed to. */
interface Joined {
  readonly exchangeId: string;
  readonly asker: HostId;
  readonly give: VmName;
  readonly take: VmName;
  readonly untilMs: number;
}

/** A VM of this host on its way to where an exchange wants it. */
interface Passing {
  readonly exchangeId: string;
  readonly asker: HostId;
  readonly to: HostId;
}

/** The balancer leaves a VM alone that an exchange counts on; operators and drains do not. */
export function letRest(guest: Guest | undefined, untilMs: number): void {
  if (guest) guest.cooldownUntilMs = Math.max(guest.cooldownUntilMs, untilMs);
}

/** What this host does for the exchanges of others: agrees to one, keeps room for it, passes VMs on. */
export class ExchangePartner {
  readonly #options: ExchangePartnerOptions;
  readonly #passing = new Map<VmName, Passing>();
  /** Arrivals that were told, by VM and exchange. */
  readonly #told = new Set<string>();
  #joined: Joined | null = null;

  constructor(options: ExchangePartnerOptions) {
    this.#options = options;
  }

  get joined(): Joined | null {
    return this.#joined;
  }

  /** Judges the offer by own figures and holds memory for what is to come. */
  asked(asker: HostId, message: ExchangeMessage, nowMs: number): void {
    const { exchangeId, give, take, holdMs } = message;
    if (this.#joined?.exchangeId === exchangeId && this.#joined.asker === asker) {
      this.#joined = { ...this.#joined, untilMs: nowMs + holdMs };
      letRest(this.#options.guests.get(take), nowMs + holdMs);
      return;
    }
    const refusal = this.#refusal(asker, message, nowMs);
    if (refusal === null) {
      this.#joined = { exchangeId, asker, give: give.vm, take, untilMs: nowMs + holdMs };
      this.#options.ledger.hold(give.vm, give.memoryBytes);
      letRest(this.#options.guests.get(take), nowMs + holdMs);
    }
    this.#options.outbox.send(asker, { type: "exchangeAnswer", exchangeId, refusal });
  }

  #refusal(asker: HostId, message: ExchangeMessage, nowMs: number): string | null {
    const { surroundings, planning, heldBack } = this.#options;
    const held = heldBack("swap", nowMs);
    if (held !== null) return held;
    const own = surroundings.own();
    if (this.#joined) return `${own.name} is in another exchange`;
    if (own.draining) return `${own.name} is draining`;
    const take = surroundings.ownVms(nowMs).find((vm) => vm.vm === message.take);
    if (!take) return `${message.take} is not on ${own.name}`;
    if (take.cooldownUntilMs > nowMs) return `${take.vm} was moved a short while ago and rests`;
    const source = figuresOfSummary(asker, message.source);
    const give: VmFigures = { ...message.give, immovable: null, cooldownUntilMs: 0 };
    const options = { reason: "swap", memoryShareMax: planning.memoryShareMax } as const;
    const rule =
      standingRefusal(take, own, source, options) ?? standingRefusal(give, source, own, options);
    if (rule !== null) return rule;
    const gain = pairGain(
      { give, take, from: source, to: own },
      { scale: surroundings.scale(), params: planning },
    );
    // The asker has doubted the figures and priced the way round; here it must win at all.
    if (gain <= costOf(give.load, planning) + costOf(take.load, planning)) {
      return `${take.vm} for ${give.vm} would not make the cluster more even`;
    }
    return fitsAfter(own, give.memoryBytes - take.memoryBytes, planning)
      ? null
      : `${own.name} would have too little memory left with ${give.vm} for ${take.vm}`;
  }

  /** A leg of an exchange that begins here: an ordinary proposal, unless this host knows better. */
  passOn(asker: HostId, message: PassOnMessage, nowMs: number): void {
    const { exchangeId, vm, to } = message;
    if (this.#told.has(`${vm} ${exchangeId}`)) {
      this.#answer(asker, message, null);
      return;
    }
    // Asked again while it is on its way, there is nothing to do: its end will answer.
    if (this.#passing.has(vm) && this.#options.underWay(vm)) return;
    const refusal = this.#passOnRefusal(message, nowMs);
    if (refusal !== null) {
      this.#answer(asker, message, refusal);
      return;
    }
    const objection = this.#options.propose(vm, to, nowMs);
    if (objection === null) this.#passing.set(vm, { exchangeId, asker, to });
    else {
      this.#passing.delete(vm);
      this.#answer(asker, message, objection);
    }
  }

  /** What was proposed will not come about. */
  refused(vm: VmName, reason: string): void {
    const passing = this.#passing.get(vm);
    if (!passing) return;
    this.#passing.delete(vm);
    const { exchangeId, asker, to } = passing;
    this.#answer(asker, { type: "passOn", exchangeId, vm, to }, reason);
  }

  #passOnRefusal({ exchangeId, vm }: PassOnMessage, nowMs: number): string | null {
    const { guests, heldBack } = this.#options;
    const held = heldBack("swap", nowMs);
    if (held !== null) return held;
    if (!guests.get(vm)) return `${vm} is not here`;
    const promised = this.#joined?.exchangeId === exchangeId && this.#joined.take === vm;
    return promised || this.#cameByExchange(vm, nowMs) ? null : `${vm} is in no exchange here`;
  }

  #cameByExchange(vm: VmName, nowMs: number): boolean {
    const last = this.#options.history.own.find((outcome) => outcome.vm === vm);
    if (last?.reason !== "swap" || last.result !== "moved") return false;
    return nowMs + this.#options.wallOffsetMs() - last.endedAtMs < guestMsMax;
  }

  #answer(asker: HostId, { exchangeId, vm }: PassOnMessage, refusal: string | null): void {
    this.#options.outbox.send(asker, {
      type: "passedOn",
      exchangeId,
      vm,
      refusal: refusal === null ? null : refusal.slice(0, 400),
    });
  }

  /** An own VM runs on another host now. */
  departed(vm: VmName, to: HostId): void {
    const passing = this.#passing.get(vm);
    if (!passing) return;
    this.#passing.delete(vm);
    if (passing.to !== to) return;
    const { exchangeId, asker } = passing;
    const [oldest] = this.#told;
    if (oldest !== undefined && this.#told.size >= answersMax) this.#told.delete(oldest);
    this.#told.add(`${vm} ${exchangeId}`);
    this.#answer(asker, { type: "passOn", exchangeId, vm, to }, null);
  }

  /** The exchange is done or given up. */
  over(exchangeId: string): void {
    if (this.#joined?.exchangeId === exchangeId) this.#leave();
    for (const [vm, passing] of this.#passing) {
      if (passing.exchangeId === exchangeId) this.#passing.delete(vm);
    }
  }

  #leave(): void {
    if (this.#joined) this.#options.ledger.unhold(this.#joined.give);
    this.#joined = null;
  }

  timeout(nowMs: number): void {
    if (this.#joined && this.#joined.untilMs <= nowMs) this.over(this.#joined.exchangeId);
  }

  nextTimeoutMs(): number | undefined {
    return this.#joined?.untilMs;
  }
}
