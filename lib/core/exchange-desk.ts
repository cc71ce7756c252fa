import { earliestMs } from "../base/earliest.ts";
import type { Prng } from "../base/prng.ts";
import { defaultElectionParams } from "../election/params.ts";
import { SkippedHosts } from "../election/skipped-hosts.ts";
import type { HostId, VmName } from "../model/ids.ts";
import type { VmEntry } from "../model/vm.ts";
import { transferMs } from "../planning/action-cost.ts";
import { bestExchange, type Exchange, type Leg, onlyMemoryIsShort } from "../planning/exchange.ts";
import type { HostFigures } from "../planning/host-figures.ts";
import type { SwapMessage } from "../wire/messages.ts";
import { ExchangePartner, type ExchangePartnerOptions, letRest } from "./exchange-partner.ts";
import { figuresOfEntries } from "./figures-of-entry.ts";
import { ownSummary } from "./own-figures.ts";
import type { Self } from "./self.ts";

/** Rounds in a row without a single move that fits, before an exchange is worth looking for. */
const roundsMin = 3;
/** A pause this long between two such rounds begins the count anew; idle rounds come ever later. */
const roundsApartMsMax = 15_000;
/** Looking weighs every pair of VMs with a sample of hosts: not at every round. */
const lookMs = 5_000;
const answerMs = 5_000;
/** The partner holds memory for so long, and is told so often that the exchange goes on. */
const holdMs = 20_000;
const renewMs = 5_000;
/** A leg that has not begun is asked for again, and so often at most; the first can wait least. */
const retryMs = 2_000;
const refusalsMax = 30;
const firstRefusalsMax = 3;
/** A host that refused is left alone for this long: most are in an exchange, which takes as long. */
const skipMs = 15_000;
/** An exchange may take so long beside twice what its transfers should take. */
const spareMs = 60_000;
const exchangeMsMax = 3_600_000;

export interface ExchangeDeskOptions extends ExchangePartnerOptions {
  readonly self: Self;
  readonly prng: Prng;
  /** The VMs of another host, as it gossips them. */
  readonly inventoryOf: (host: HostId) => readonly VmEntry[];
}

/** The exchange that this host has begun. */
interface Own extends Exchange {
  readonly exchangeId: string;
  readonly untilMs: number;
  /** Index of the leg that is to be done; -1 while the partner has not answered. */
  leg: number;
  nextTryMs: number;
  nextRenewMs: number;
  refusals: number;
}

/**
 * Two VMs of two hosts change places where memory is too tight for single moves. The host that has
 * too much to do looks for the pair, asks the other for its consent, and sees to the legs one after
 * the other; each is an ordinary two-phase move that its own source proposes. Nothing is journaled:
 * whatever dies, holds expire, and a VM that is halfway simply stays where it is.
 */
export class ExchangeDesk {
  readonly #options: ExchangeDeskOptions;
  readonly #partner: ExchangePartner;
  readonly #skipped = new SkippedHosts(skipMs);
  #own: Own | null = null;
  #rounds = 0;
  #lastRoundMs = Number.NEGATIVE_INFINITY;
  #lastLookMs = Number.NEGATIVE_INFINITY;

  constructor(options: ExchangeDeskOptions) {
    this.#options = options;
    this.#partner = new ExchangePartner(options);
  }

  /** True while this host takes part in an exchange, its own or another's. */
  get busy(): boolean {
    return this.#own !== null || this.#partner.joined !== null;
  }

  /** A round found reasons to move something, and no move that may be proposed. */
  noMoveFits(nowMs: number): void {
    this.#rounds = nowMs - this.#lastRoundMs > roundsApartMsMax ? 1 : this.#rounds + 1;
    this.#lastRoundMs = nowMs;
    if (this.#rounds < roundsMin || nowMs - this.#lastLookMs < lookMs || this.busy) return;
    if (this.#options.heldBack("swap", nowMs) !== null) return;
    this.#lastLookMs = nowMs;
    const found = this.#look(nowMs);
    if (found) this.#begin(found, nowMs);
  }

  #look(nowMs: number): Exchange | null {
    const { surroundings, planning, prng } = this.#options;
    const open = surroundings
      .others()
      .filter((host) => !host.draining && !this.#skipped.has(host.host, nowMs));
    const look = {
      self: surroundings.own(),
      vms: surroundings.ownVms(nowMs),
      others: prng.sample(open, defaultElectionParams.sampleSize),
      nowMs,
      scale: surroundings.scale(),
      params: planning,
    };
    if (look.self.draining || !onlyMemoryIsShort(look)) return null;
    const vmsOf = ({ host }: HostFigures) => figuresOfEntries(this.#options.inventoryOf(host));
    return bestExchange({ ...look, thirds: open, vmsOf });
  }

  #begin(found: Exchange, nowMs: number): void {
    const { prng, planning } = this.#options;
    const transfersMs = found.legs.reduce((sum, { vm }) => {
      const { load } = vm === found.give.vm ? found.give : found.take;
      return sum + transferMs(load, planning);
    }, 0);
    const own = {
      ...found,
      exchangeId: prng.hex(16),
      untilMs: nowMs + Math.min(spareMs + 2 * transfersMs, exchangeMsMax),
      leg: -1,
      nextTryMs: nowMs + answerMs,
      nextRenewMs: nowMs,
      refusals: 0,
    };
    this.#own = own;
    this.#tellPartner(own, nowMs);
  }

  /** The offer, and later that it still stands. */
  #tellPartner(own: Own, nowMs: number): void {
    const { self, guests, ledger, outbox } = this.#options;
    const { vm, memoryBytes, load, policy } = own.give;
    own.nextRenewMs = nowMs + renewMs;
    letRest(guests.get(vm), nowMs + holdMs);
    outbox.send(own.partner.host, {
      type: "exchange",
      exchangeId: own.exchangeId,
      give: { vm, memoryBytes, load, policy },
      take: own.take.vm,
      gain: own.gain,
      source: ownSummary(self, guests, ledger),
      holdMs,
    });
  }

  /** Why a leg of an exchange is not taken in, in words after this host's name; null when it may. */
  swapRefusal(vm: VmName): string | null {
    // Only the reserve keeps copies that are in nobody's book from over-committing the memory.
    if (this.#options.guests.strays.length > 0) return "has a copy that no journal line explains";
    const expected = [this.#own?.take.vm, this.#partner.joined?.give];
    return this.busy && !expected.includes(vm) ? "is in another exchange" : null;
  }

  onMessage(from: HostId, message: SwapMessage, nowMs: number): void {
    switch (message.type) {
      case "exchange":
        if (this.#own) {
          const refusal = `${this.#options.surroundings.nameOf(from)} comes second here`;
          const { exchangeId } = message;
          this.#options.outbox.send(from, { type: "exchangeAnswer", exchangeId, refusal });
        } else this.#partner.asked(from, message, nowMs);
        return;
      case "exchangeAnswer":
        if (this.#isOwn(message) && this.#own?.partner.host === from && this.#own.leg < 0) {
          this.#answered(this.#own, message.refusal, nowMs);
        }
        return;
      case "passOn":
        this.#partner.passOn(from, message, nowMs);
        return;
      case "passedOn":
        if (this.#isOwn(message)) this.#passedOn(from, message, nowMs);
        return;
      case "exchangeOver":
        this.#partner.over(message.exchangeId);
    }
  }

  #isOwn({ exchangeId }: { readonly exchangeId: string }): boolean {
    return this.#own?.exchangeId === exchangeId;
  }

  #answered(own: Own, refusal: string | null, nowMs: number): void {
    if (refusal !== null) {
      this.#skipped.add(own.partner.host, nowMs);
      this.#end(own, refusal);
      return;
    }
    this.#options.ledger.hold(own.take.vm, own.take.memoryBytes);
    this.#options.outbox.notice(
      "info",
      "exchange",
      `${own.give.vm} and ${own.take.vm} of ${own.partner.name} change places`,
      { vm: own.give.vm, other: own.take.vm, host: own.partner.name, legs: own.legs.length },
    );
    this.#nextLeg(own, nowMs);
  }

  #passedOn(
    from: HostId,
    { vm, refusal }: Extract<SwapMessage, { type: "passedOn" }>,
    nowMs: number,
  ): void {
    const own = this.#own;
    const leg = own?.legs[own.leg];
    if (!own || leg?.vm !== vm || leg.from !== from) return;
    if (refusal === null) this.#nextLeg(own, nowMs);
    else this.#refused(own, refusal);
  }

  /** What was proposed here will not come about. */
  swapRefused(vm: VmName, reason: string): void {
    this.#partner.refused(vm, reason);
    const own = this.#own;
    const leg = own?.legs[own.leg];
    if (own && leg?.vm === vm && leg.from === this.#options.self.options.self) {
      this.#refused(own, reason);
    }
  }

  #refused(own: Own, refusal: string): void {
    own.refusals += 1;
    if (own.refusals < (own.leg === 0 ? firstRefusalsMax : refusalsMax)) return;
    // Somebody's figures are not as they are gossiped: these two are left alone for a while.
    for (const host of [own.partner.host, own.legs[own.leg]?.to]) {
      if (host !== undefined) this.#skipped.add(host, own.nextTryMs);
    }
    this.#end(own, refusal);
  }

  /** An own VM runs on another host now. */
  departed(vm: VmName, to: HostId, nowMs: number): void {
    this.#partner.departed(vm, to);
    const own = this.#own;
    const leg = own?.legs[own.leg];
    if (!own || own.give.vm !== vm || leg?.from !== this.#options.self.options.self) return;
    if (leg.to === to) this.#nextLeg(own, nowMs);
    else this.#end(own, `${vm} has moved elsewhere`);
  }

  #nextLeg(own: Own, nowMs: number): void {
    own.leg += 1;
    own.refusals = 0;
    const leg = own.legs[own.leg];
    if (leg) this.#tryLeg(own, leg, nowMs);
    else this.#end(own, null);
  }

  #tryLeg(own: Own, { vm, from, to }: Leg, nowMs: number): void {
    const { self, guests, outbox, propose, underWay } = this.#options;
    own.nextTryMs = nowMs + retryMs;
    if (from !== self.options.self) {
      outbox.send(from, { type: "passOn", exchangeId: own.exchangeId, vm, to });
      return;
    }
    // First: a VM whose move is about to end is nobody's here already.
    if (underWay(vm)) return;
    if (!guests.get(vm)) {
      this.#end(own, `${vm} is no longer here`);
      return;
    }
    const refusal = propose(vm, to, nowMs);
    if (refusal !== null) this.#refused(own, refusal);
  }

  #end(own: Own, why: string | null): void {
    const { ledger, outbox } = this.#options;
    this.#own = null;
    // Where nothing has been moved yet, the next round may look for another pair at once.
    if (own.leg > 0) this.#rounds = 0;
    else this.#lastLookMs = Number.NEGATIVE_INFINITY;
    ledger.unhold(own.take.vm);
    const { exchangeId, partner, give, take } = own;
    outbox.send(partner.host, { type: "exchangeOver", exchangeId });
    const words = why === null ? "have changed places" : `do not change places: ${why}`;
    outbox.notice("info", "exchange-over", `${give.vm} and ${take.vm} ${words}`, {
      vm: give.vm,
      other: take.vm,
      host: partner.name,
    });
  }

  timeout(nowMs: number): void {
    this.#partner.timeout(nowMs);
    const own = this.#own;
    if (!own) return;
    if (own.nextRenewMs <= nowMs) this.#tellPartner(own, nowMs);
    if (own.nextTryMs > nowMs) return;
    const leg = own.legs[own.leg];
    const gone = leg && this.#absent([own.partner.host, leg.from, leg.to]);
    if (nowMs >= own.untilMs) this.#end(own, "it takes too long");
    else if (gone) this.#end(own, `${gone} is gone`);
    else if (leg) this.#tryLeg(own, leg, nowMs);
    else {
      this.#skipped.add(own.partner.host, nowMs);
      this.#end(own, `${own.partner.name} did not answer`);
    }
  }

  /** The name of the first that is no live member any more. */
  #absent(hosts: readonly HostId[]): string | undefined {
    const { self, surroundings } = this.#options;
    const live = new Set(surroundings.others().map((host) => host.host));
    const gone = hosts.find((host) => host !== self.options.self && !live.has(host));
    return gone === undefined ? undefined : surroundings.nameOf(gone);
  }

  nextTimeoutMs(): number | undefined {
    const own = this.#own;
    return earliestMs(own?.nextTryMs, own?.nextRenewMs, this.#partner.nextTimeoutMs());
  }
}
