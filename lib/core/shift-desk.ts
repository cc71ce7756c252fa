import type { Prng } from "../base/prng.ts";
import type { ShiftCandidate } from "../model/action.ts";
import type { HostId, VmName } from "../model/ids.ts";
import type { PlanningParams } from "../planning/params.ts";
import { type MemberFigures, weighShifts } from "../planning/weigh-shifts.ts";
import { counts } from "../services/member-entry.ts";
import type { ServiceView } from "../services/service-view.ts";
import { shiftPairs } from "../services/shift.ts";
import type { ShiftAnswerMessage } from "../wire/messages.ts";
import type { GuestTable } from "./guest-table.ts";
import { MemberRests } from "./member-rests.ts";
import type { MemberSeat } from "./member-seat.ts";
import type { Outbox } from "./outbox.ts";
import type { Self } from "./self.ts";
import type { ServiceDesk } from "./service-desk.ts";
import type { Surroundings } from "./surroundings.ts";

/** Targets that one member is weighed against when the host acts, and for people to read. */
const targetsMax = { acting: 16, explained: 64 } as const;
/** Own members that one look weighs, those with the most load: each costs a look at all its hosts. */
const membersMax = 8;
/** The steward answers at once. */
const answerMs = 3_000;
/** A shift that the steward took on and that nobody sees begin for this long is given up. */
const beginMs = 12_000;
/** The same of one that has begun and does not end, beside the member's drain limit. */
const endMs = 60_000;
/** What was refused is not asked again for this long. */
const refusalMs = 10_000;
const refusalsMax = 256;

/** A shift that this host has asked for. */
interface OpenShift extends ShiftCandidate {
  readonly steward: HostId;
  readonly askedMs: number;
  readonly drainMs: number;
  granted: boolean;
}

export interface ShiftDeskOptions {
  readonly self: Self;
  readonly outbox: Outbox;
  readonly prng: Prng;
  readonly guests: GuestTable;
  readonly surroundings: Pick<Surroundings, "own" | "figuresOf" | "scale" | "nameOf">;
  readonly planning: PlanningParams;
  /** Null on a host that takes no part in services. */
  readonly services: () => Pick<ServiceDesk, "members" | "stewards" | "sight" | "viewOf"> | null;
}

/**
 * Shifts of this host's own members: what they would win and cost beside its moves, the asking of the
 * service's steward, and the rest afterwards. One at a time; what is refused or forgotten expires.
 */
export class ShiftDesk {
  readonly #options: ShiftDeskOptions;
  readonly #rests: MemberRests;
  readonly #refusals = new Map<string, { readonly reason: string; readonly atMs: number }>();
  /** No other target either is asked for right after a refusal. */
  readonly #quietUntilMs = new Map<string, number>();
  #open: OpenShift | null = null;

  constructor(options: ShiftDeskOptions) {
    this.#options = options;
    this.#rests = new MemberRests(options.planning);
  }

  /** True while there is a member that could be shifted at all. */
  get hasMembers(): boolean {
    return (this.#options.services()?.members.running.length ?? 0) > 0;
  }

  /** True while a shift that this host asked for is under way. */
  get isOpen(): boolean {
    return this.#open !== null;
  }

  /** The member here was resumed in another's place. */
  stoodIn(service: string, nowMs: number): void {
    this.#rests.shifted(service, nowMs);
  }

  /**
   * Asks for the best shift if it wins more than `moveScore`, what the best move of this moment wins,
   * and at least `level` (Patience). False when there is none.
   */
  begin({ moveScore, level }: { moveScore: number; level: number }, nowMs: number): boolean {
    const { prng, planning } = this.#options;
    const ranked = this.#weighAll({ level, pairsMax: targetsMax.acting }, nowMs)
      .filter(({ refusal, score }) => refusal === null && score > moveScore)
      .filter(({ service }) => nowMs >= (this.#quietUntilMs.get(service) ?? 0))
      // Several hosts may look at once: chance orders what is as good as equal.
      .map((shift) => ({
        shift,
        rank: shift.score * (1 - planning.spreadShare * prng.nextShare()),
      }))
      .sort((a, b) => b.rank - a.rank);
    const [best] = ranked;
    return best !== undefined && this.#ask(best.shift, nowMs);
  }

  /** Every shift of the own members with its price, best first, the refused ones with their words. */
  weighed(nowMs: number): readonly ShiftCandidate[] {
    return this.#weighAll({ level: 0, pairsMax: targetsMax.explained }, nowMs).sort(
      (a, b) => Number(a.refusal !== null) - Number(b.refusal !== null) || b.score - a.score,
    );
  }

  /** Of one member; undefined when it is no own one. */
  explain(
    vm: VmName,
    nowMs: number,
  ): { service: string; state: string; shifts: readonly ShiftCandidate[] } | undefined {
    const services = this.#options.services();
    const service = services?.members.serviceOf(vm);
    if (!services || service === undefined) return undefined;
    const seat = services.members.seat(service);
    const look = { level: 0, pairsMax: targetsMax.explained };
    return {
      service,
      state: seat?.state ?? "absent",
      shifts: this.#weigh(service, look, nowMs),
    };
  }

  onAnswer(from: HostId, { service, refusal }: ShiftAnswerMessage, nowMs: number): void {
    const open = this.#open;
    if (open?.service !== service || open.steward !== from || open.granted) return;
    if (refusal === null) open.granted = true;
    else this.#giveUp(open, `${this.#name(from)} ${refusal}`, nowMs);
  }

  /** Once a load sample: has what was asked for come about? */
  review(nowMs: number): void {
    const open = this.#open;
    const services = this.#options.services();
    if (!open || !services) return;
    const { service, to, askedMs, drainMs, granted } = open;
    const state = services.members.seat(service)?.state;
    if (state !== "running" && state !== "draining" && state !== "suspending") {
      this.#open = null;
      this.#rests.shifted(service, nowMs);
      return;
    }
    const view = services.viewOf(service, nowMs);
    const target = view?.members.find(({ host }) => host === to);
    const isBegun = state !== "running" || (target !== undefined && counts(target.state));
    const patienceMs = isBegun ? endMs + drainMs : granted ? beginMs : answerMs;
    if (nowMs - askedMs < patienceMs) return;
    const reason = granted
      ? "the steward took it on, and it did not come about in time"
      : `the steward, ${this.#name(open.steward)}, did not answer`;
    this.#giveUp(open, reason, nowMs);
  }

  #weighAll(look: Look, nowMs: number): ShiftCandidate[] {
    const running = this.#options.services()?.members.running ?? [];
    return running
      .map((service) => ({ service, cores: this.#coresOf(service) }))
      .sort((a, b) => b.cores - a.cores)
      .slice(0, membersMax)
      .flatMap(({ service }) => this.#weigh(service, look, nowMs));
  }

  #coresOf(service: string): number {
    const seat = this.#options.services()?.members.seat(service);
    const guest = seat && this.#options.guests.members.get(seat.name);
    return guest?.estimate.value()?.cpuCores ?? 0;
  }

  #weigh(service: string, { level, pairsMax }: Look, nowMs: number): readonly ShiftCandidate[] {
    const { self, surroundings, planning } = this.#options;
    const services = this.#options.services();
    const seat = services?.members.seat(service);
    const view = services?.viewOf(service, nowMs);
    if (!seat || !view) return [];
    const targets = shiftPairs(view, self.options.self, pairsMax).flatMap(({ to, refusal }) => {
      const figures = surroundings.figuresOf(to);
      return figures ? [{ figures, refusal }] : [];
    });
    return weighShifts({
      self: surroundings.own(),
      member: this.#figuresOf(seat, view),
      targets,
      level,
      nowMs,
      scale: surroundings.scale(),
      params: planning,
    }).map((one) => ({ ...one, refusal: this.#standingRefusal(one, nowMs) ?? one.refusal }));
  }

  #figuresOf({ service, name, memoryBytes }: MemberSeat, { spec }: ServiceView): MemberFigures {
    const guest = this.#options.guests.members.get(name);
    return {
      service,
      vm: name,
      load: guest?.estimate.value() ?? null,
      cpuNoiseShare: guest?.estimate.cpuNoiseShare,
      memoryBytes: guest?.spec.memoryBytes ?? memoryBytes,
      drainMs: spec.drainMs,
      cooldownUntilMs: this.#rests.untilMs(service),
    };
  }

  /** What the last words on this shift leave no room for. */
  #standingRefusal({ service, to }: ShiftCandidate, nowMs: number): string | null {
    const open = this.#open;
    if (open?.service === service) return `it is being shifted to ${this.#name(open.to)}`;
    const last = this.#refusals.get(`${service} ${to}`);
    if (!last || nowMs - last.atMs >= refusalMs) return null;
    return `refused ${Math.round((nowMs - last.atMs) / 1000)} s ago: ${last.reason}`;
  }

  #ask(shift: ShiftCandidate, nowMs: number): boolean {
    const { self, outbox } = this.#options;
    const services = this.#options.services();
    const view = services?.viewOf(shift.service, nowMs);
    const steward = services?.sight(nowMs).stewardOf(shift.service);
    if (!services || !view || steward === undefined) return false;
    const { drainMs } = view.spec;
    const open: OpenShift = { ...shift, steward, drainMs, askedMs: nowMs, granted: false };
    this.#open = open;
    const { service, vm, from, to, gain, cost, cpuCoresMax } = shift;
    const message = `${vm}, the member of ${service} here, should rather run on ${this.#name(to)}`;
    outbox.notice("info", "shift", message, { service, vm, to: this.#name(to), gain, cost });
    if (steward !== self.options.self) {
      outbox.send(steward, { type: "shift", service, from, to, cpuCoresMax });
      return true;
    }
    const refusal = services.stewards.shift({ service, from, to, cpuCoresMax }, nowMs);
    this.onAnswer(steward, { type: "shiftAnswer", service, refusal }, nowMs);
    return true;
  }

  #giveUp({ service, vm, to }: OpenShift, reason: string, nowMs: number): void {
    this.#open = null;
    for (const [key, { atMs }] of this.#refusals) {
      if (nowMs - atMs < refusalMs && this.#refusals.size < refusalsMax) break;
      this.#refusals.delete(key);
    }
    this.#refusals.set(`${service} ${to}`, { reason, atMs: nowMs });
    this.#quietUntilMs.set(service, nowMs + answerMs);
    const message = `${vm} is not shifted to ${this.#name(to)}: ${reason}`;
    this.#options.outbox.notice("info", "shift-refused", message, { service, vm });
  }

  #name(host: HostId): string {
    return this.#options.surroundings.nameOf(host);
  }
}

interface Look {
  readonly level: number;
  readonly pairsMax: number;
}
