import { earliestMs } from "../base/earliest.ts";
import type { HostId } from "../model/ids.ts";
import type { ServiceSpec } from "../model/service.ts";
import { heardOtherwise, type OwnStanding, refusalOf } from "../services/judge-proposal.ts";
import { defaultServiceParams } from "../services/params.ts";
import type { ScaleProposal } from "../services/scale-proposal.ts";
import type { DocumentMark } from "../services/service-view.ts";
import { shiftRefusal } from "../services/shift.ts";
import { Steward } from "../services/steward.ts";
import { wireLimits } from "../wire/limits.ts";
import type { ScaleAnswerMessage, ScaleMessage, ShiftMessage } from "../wire/messages.ts";
import type { MemberSeat } from "./member-seat.ts";
import type { Outbox } from "./outbox.ts";
import type { ServiceSight } from "./service-sight.ts";

/** In a large cluster a new steward proposes nothing before it was reported to for this long, ms. */
const informedMs = 3_000;

/** A service that is declared, with the mark of its document. */
export interface StewardedService {
  readonly spec: ServiceSpec;
  readonly document: DocumentMark;
}

export interface StewardDeskOptions {
  readonly self: HostId;
  readonly outbox: Outbox;
  readonly seatOf: (service: string) => MemberSeat | undefined;
  readonly serviceOf: (service: string) => StewardedService | undefined;
  readonly sight: (nowMs: number) => ServiceSight;
  /** Projected demand on this host. */
  readonly cpuCores: () => number;
  /** Why nothing may change now, in words; null when it may. */
  readonly heldBack: (nowMs: number) => string | null;
  /** False where the view holds but a sample of the hosts. */
  readonly knowsAll: () => boolean;
  /** A granted proposal changes the member here. */
  readonly granted: (proposal: ScaleProposal, nowMs: number) => void;
}

type Answer = Pick<ScaleAnswerMessage, "refusal" | "soon">;

/** This host's part as steward of services, and as one whose member a steward wants changed. */
export class StewardDesk {
  readonly #options: StewardDeskOptions;
  readonly #stewards = new Map<string, Steward>();
  readonly #sinceMs = new Map<string, number>();
  readonly #refusals = new Map<string, { readonly host: HostId; readonly reason: string }>();

  constructor(options: StewardDeskOptions) {
    this.#options = options;
  }

  /** The last refusal that this host had as steward; undefined when the last answer was a grant. */
  lastRefusal(service: string): { readonly host: HostId; readonly reason: string } | undefined {
    return this.#refusals.get(service);
  }

  /** When to look again, if nothing changes: a host that was skipped may be asked again. */
  get nextTimeoutMs(): number | undefined {
    return earliestMs(...[...this.#stewards.values()].map((steward) => steward.nextTimeoutMs));
  }

  /** Proposes what each of the services that this host stewards needs. */
  look(services: readonly StewardedService[], sight: ServiceSight, nowMs: number): void {
    const { self } = this.#options;
    const declared = new Set(services.map(({ spec }) => spec.name));
    for (const name of this.#stewards.keys()) if (!declared.has(name)) this.#forget(name);
    for (const { spec, document } of services) {
      const { name } = spec;
      if (sight.stewardOf(name) !== self) {
        this.#forget(name);
        continue;
      }
      const steward = this.#stewards.get(name) ?? new Steward(defaultServiceParams);
      this.#stewards.set(name, steward);
      if (!this.#isInformed(name, nowMs)) continue;
      for (const proposal of steward.look(sight.viewOf(spec, document), nowMs)) {
        this.#propose(proposal, nowMs);
      }
    }
  }

  onScale(from: HostId, message: ScaleMessage, nowMs: number): void {
    const { self, outbox } = this.#options;
    const { type: _type, ...proposal } = message;
    const { service, host, steward, relay } = message;
    if (relay === self && steward === from && host !== self) {
      outbox.send(host, message);
      return;
    }
    const isRelayed = relay === from && steward !== from;
    const answer =
      host === self && (isRelayed || steward === from)
        ? this.#judge(proposal, nowMs)
        : { refusal: "was asked for another host" };
    const way = isRelayed ? { relayed: { host: self, steward } } : {};
    outbox.send(from, { type: "scaleAnswer", service, ...answer, ...way });
  }

  onAnswer(from: HostId, message: ScaleAnswerMessage, nowMs: number): void {
    const { self, outbox } = this.#options;
    const { service, refusal, soon, relayed } = message;
    if (relayed && relayed.steward !== self) {
      // Only the host itself is passed on: so nothing goes round in circles.
      if (relayed.host === from) outbox.send(relayed.steward, message);
      return;
    }
    const host = relayed?.host ?? from;
    const steward = this.#stewards.get(service);
    if (!steward) return;
    steward.answered(host, refusal, nowMs, soon);
    if (refusal === null) this.#refusals.delete(service);
    else this.#refusals.set(service, { host, reason: refusal });
  }

  onShift(from: HostId, message: ShiftMessage, nowMs: number): void {
    const isOwn = message.from === from;
    const refusal = isOwn ? this.shift(message, nowMs) : "was asked for another host's member";
    this.#options.outbox.send(from, { type: "shiftAnswer", service: message.service, refusal });
  }

  /** Takes a shift on as the service's steward: null, or in words why not. */
  shift({ service, ...shift }: Omit<ShiftMessage, "type">, nowMs: number): string | null {
    const { heldBack, serviceOf, sight } = this.#options;
    const held = heldBack(nowMs);
    if (held !== null) return `does not act: ${held}`.slice(0, wireLimits.reasonLengthMax);
    const declared = serviceOf(service);
    const steward = this.#stewards.get(service);
    const seen = sight(nowMs);
    if (!declared || !steward || seen.stewardOf(service) !== this.#options.self) {
      return `is not the steward of ${service}`;
    }
    const refusal = shiftRefusal(shift, seen.viewOf(declared.spec, declared.document));
    if (refusal !== null) return refusal.slice(0, wireLimits.reasonLengthMax);
    return steward.shift(shift, nowMs) ? null : `is shifting a member of ${service} already`;
  }

  /** The services that this host stewards, once it knows of their members. */
  stewarded(services: readonly StewardedService[], nowMs: number): readonly ServiceSpec[] {
    return services.flatMap(({ spec }) =>
      this.#stewards.has(spec.name) && this.#isInformed(spec.name, nowMs) ? [spec] : [],
    );
  }

  /** In a large cluster members are reported to a new steward within a moment. */
  #isInformed(service: string, nowMs: number): boolean {
    const sinceMs = this.#sinceMs.get(service) ?? nowMs;
    this.#sinceMs.set(service, sinceMs);
    return this.#options.knowsAll() || nowMs - sinceMs >= informedMs;
  }

  #forget(service: string): void {
    this.#sinceMs.delete(service);
    this.#stewards.delete(service);
    this.#refusals.delete(service);
  }

  #propose(proposal: ScaleProposal, nowMs: number): void {
    const { self, outbox } = this.#options;
    const { service, host, relay = host } = proposal;
    if (host !== self) {
      outbox.send(relay, { type: "scale", ...proposal });
      return;
    }
    const answer = this.#judge(proposal, nowMs);
    this.onAnswer(self, { type: "scaleAnswer", service, ...answer }, nowMs);
  }

  /** Grants by what is known here: null, and then it is done. */
  #judge(proposal: ScaleProposal, nowMs: number): Answer {
    const { reason, soon } = this.#refusalOf(proposal, nowMs);
    if (reason !== null) {
      const refusal = reason.slice(0, wireLimits.reasonLengthMax);
      return soon ? { refusal, soon } : { refusal };
    }
    this.#options.seatOf(proposal.service)?.feed({ type: proposal.change }, nowMs);
    this.#options.granted(proposal, nowMs);
    return { refusal: null };
  }

  #refusalOf(proposal: ScaleProposal, nowMs: number): { reason: string | null; soon?: boolean } {
    const { serviceOf, seatOf, sight, heldBack } = this.#options;
    const held = heldBack(nowMs);
    if (held !== null) return { reason: `does not act: ${held}` };
    const service = serviceOf(proposal.service);
    const seat = seatOf(proposal.service);
    if (!service || !seat) return { reason: `has no member of ${proposal.service}` };
    const seen = sight(nowMs);
    const view = seen.viewOf(service.spec, service.document);
    const own = this.#standing(seat, seen, nowMs);
    return { reason: refusalOf(proposal, view, own), soon: heardOtherwise(proposal, view, own) };
  }

  #standing(seat: MemberSeat, sight: ServiceSight, nowMs: number): OwnStanding {
    const { draining, freeMemoryBytes } = sight.ownStanding;
    return {
      draining,
      freeMemoryBytes,
      cpuCores: this.#options.cpuCores(),
      restRefusal: seat.restRefusal(nowMs),
      knowsAll: this.#options.knowsAll(),
    };
  }
}
