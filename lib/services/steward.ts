import type { HostId } from "../model/ids.ts";
import { counts, type MemberEntry, serves } from "./member-entry.ts";
import { OpenChanges } from "./open-changes.ts";
import type { ServiceParams } from "./params.ts";
import { rendezvousOrder, stewardOf } from "./rendezvous.ts";
import { runningDigest, type ScaleProposal } from "./scale-proposal.ts";
import { demandOf, Scaling, type ScalingInput } from "./scaling.ts";
import {
  byHeat,
  byRank,
  type PlacedMember,
  placedMembers,
  resumable,
  type ServiceView,
  unwelcome,
} from "./service-view.ts";

/** What one look finds, with the changes counted that are on their way. */
interface Count {
  readonly view: ServiceView;
  /** Those that run, answer and stay, as far as is known. */
  readonly running: readonly PlacedMember[];
  /** Those that run, stay and fail their health check. */
  readonly failing: readonly PlacedMember[];
  /** Those that serve, or will, and stay. */
  readonly total: number;
  readonly scaling: ScalingInput;
}

/** A wish to have a member elsewhere, which planning has found to be worth its price. */
export interface Shift {
  readonly from: HostId;
  readonly to: HostId;
  /** ScaleProposal.cpuCoresMax; undefined for no limit. */
  readonly cpuCoresMax?: number;
}

interface OpenShift extends Shift {
  readonly askedMs: number;
  /** Its member was suspended first, for want of room above: one is to be resumed in its place. */
  owed: boolean;
}

/** A shift whose target does not begin to resume for this long is forgotten, in ms. */
const shiftBeginMs = 10_000;
/** The same of one that was begun and comes to no end. */
const shiftEndMs = 60_000;

/**
 * One host's part as steward of one service (DESIGN 7): every host has one for each service, and it
 * proposes nothing while another host is the service's steward. It decides how many members
 * run and proposes where; the host concerned grants. Up at once and by several, down by one; a member
 * on a drained host, or of an old template, is replaced: another first, then it rests.
 */
export class Steward {
  readonly #params: ServiceParams;
  readonly #open: OpenChanges;
  #scaling: Scaling;
  #refusal = "";
  #shift: OpenShift | null = null;

  constructor(params: ServiceParams) {
    this.#params = params;
    this.#open = new OpenChanges(params);
    this.#scaling = new Scaling(params);
  }

  /** The last refusal, with the host that gave it; "" when the last answer was a grant. */
  get lastRefusal(): string {
    return this.#refusal;
  }

  /** What to propose now; call it about once a second, and at once when a host or member changed. */
  look(view: ServiceView, nowMs: number): ScaleProposal[] {
    const live = view.hosts.map(({ host }) => host);
    if (stewardOf(view.spec.name, live) !== view.self) {
      this.#beginAnew();
      return [];
    }
    const placed = placedMembers(view);
    this.#open.review(new Map(placed.map(({ entry }) => [entry.host, entry])), nowMs);
    const count = this.#count(view, placed);
    const wanted = this.#scaling.wanted(count.scaling, nowMs);
    return this.#propose(count, wanted, nowMs);
  }

  /**
   * The host's answer to a proposal: null when it was granted, else why not. `soon`: only for what
   * one of the two had not heard yet, as of a document that the proposal has overtaken.
   */
  answered(host: HostId, refusal: string | null, nowMs: number, soon = false): void {
    this.#refusal = refusal === null ? "" : `${host}: ${refusal}`;
    this.#open.answered(host, refusal === null ? "granted" : soon ? "soon" : "refused", nowMs);
  }

  /** When to look again, if nothing changes; undefined for no reason to. */
  get nextTimeoutMs(): number | undefined {
    return this.#open.nextTimeoutMs;
  }

  /** Asks for a shift; one at a time, false while there is another. */
  shift(shift: Shift, nowMs: number): boolean {
    if (this.#shift !== null && nowMs < this.#shift.askedMs + shiftEndMs) return false;
    this.#shift = { ...shift, askedMs: nowMs, owed: false };
    return true;
  }

  /** The next time that it is the steward: what is on its way is not known, and calm begins then. */
  #beginAnew(): void {
    this.#open.clear();
    this.#scaling = new Scaling(this.#params);
    this.#shift = null;
  }

  #count(view: ServiceView, placed: readonly PlacedMember[]): Count {
    const stays = placed.filter(({ entry }) => this.#open.changeOf(entry.host) !== "rest");
    const running = stays.filter(({ entry }) => serves(entry));
    const failing = stays.filter(({ entry }) => entry.state === "running" && !serves(entry));
    const coming = stays.filter(({ entry }) => this.#comes(entry)).length;
    const figures = running.map(({ entry }) => entry);
    const scaling = { spec: view.spec, running: figures, coming, queued: view.queued };
    return { view, running, failing, total: running.length + coming, scaling };
  }

  #comes({ host, state }: MemberEntry): boolean {
    if (state === "running") return false;
    return counts(state) || this.#open.changeOf(host) === "run";
  }

  #propose(count: Count, wanted: number, nowMs: number): ScaleProposal[] {
    const { view, total } = count;
    this.#reviewShift(count, nowMs);
    if (total < wanted) return this.#add(count, wanted - total, nowMs);
    const { max } = view.spec.running;
    const leaving = this.#leaving(count);
    // What rests for a shift takes its load along: demand alone would not show that it is missing.
    if (this.#shift?.owed && total < max) return this.#run(count, 1, nowMs);
    if (total > max) {
      // After a partition there are two stewards for a moment: by an order that no load changes, and
      // that no refusal changes either, whoever sees fewer members never takes one of those that
      // whoever sees more leaves.
      const ranked = [...count.running].sort(byRank(view));
      const shifted = total === max + 1 ? this.#shifted(count) : [];
      const from = [...shifted, ...without(ranked, shifted)].slice(0, total - max);
      return this.#rest(count, { from, number: total - max }, nowMs);
    }
    // One change at a time: the next is decided when everybody has seen this one.
    if (this.#open.size > 0 || count.scaling.coming > 0) return [];
    if (total > wanted) {
      // One that should leave and refuses is asked again: whoever stands in for it is no surplus.
      const from = leaving.length > 0 ? leaving : [...count.running].sort(byHeat(view));
      return this.#rest(count, { from, number: 1 }, nowMs);
    }
    return this.#replace(count, leaving, nowMs);
  }

  /** Those that fail are there still: for all of them together one more than `max` may run. */
  #add(count: Count, number: number, nowMs: number): ScaleProposal[] {
    const { view, total, failing } = count;
    const room = view.spec.running.max - total - failing.length;
    if (room > 0) return this.#run(count, Math.min(number, room), nowMs);
    const [first] = failing;
    return room === 0 && first ? this.#standIn(count, first, nowMs) : [];
  }

  /** Running members that another one should stand in for. */
  #leaving({ view, running }: Count): PlacedMember[] {
    const isUnwelcome = unwelcome(view);
    return running
      .filter((one) => isUnwelcome(one) || one.entry.host === this.#shift?.from)
      .sort(byHeat(view));
  }

  /** Ends a shift that is done, was not begun in time, or takes for ever. */
  #reviewShift({ view: { members } }: Count, nowMs: number): void {
    if (this.#shift === null) return;
    const { from, to, askedMs, owed } = this.#shift;
    const leaves = !members.some(({ host, state }) => host === from && state === "running");
    const target = members.find(({ host }) => host === to);
    const isBegun = target !== undefined && (counts(target.state) || this.#comes(target));
    const isOver = nowMs - askedMs >= (isBegun ? shiftEndMs : shiftBeginMs);
    if ((leaves && (!owed || isBegun)) || isOver) this.#shift = null;
  }

  /** The member that is to be shifted, once the one that stands in for it serves. */
  #shifted({ running }: Count): PlacedMember[] {
    const isThere = (host: HostId | undefined) => running.some(({ entry }) => entry.host === host);
    if (!isThere(this.#shift?.to)) return [];
    return running.filter(({ entry }) => entry.host === this.#shift?.from);
  }

  #replace(count: Count, leaving: readonly PlacedMember[], nowMs: number): ScaleProposal[] {
    const [first] = leaving;
    if (first === undefined) return [];
    const { min, max } = count.view.spec.running;
    const needed = Math.max(min, Math.ceil(demandOf(count.scaling)));
    const isSpare = count.total > needed;
    if (isSpare || (count.total === max && max > min)) {
      if (this.#shift && !isSpare) this.#shift.owed = first.entry.host === this.#shift.from;
      return this.#rest(count, { from: leaving, number: 1 }, nowMs);
    }
    return this.#standIn(count, first, nowMs);
  }

  /** What is missing; for one that rests already for a shift the place is chosen. */
  #run({ view }: Count, number: number, nowMs: number): ScaleProposal[] {
    const { from, to } = this.#shift?.owed ? this.#shift : { from: null, to: null };
    const candidates = this.#candidates(view);
    const shifted = candidates.filter(({ entry }) => entry.host === to).slice(0, number);
    const others = without(candidates, shifted).slice(0, number - shifted.length);
    return [
      ...this.#proposals(view, { chosen: shifted, change: "run", replaces: from, nowMs }),
      ...this.#proposals(view, { chosen: others, change: "run", replaces: null, nowMs }),
    ];
  }

  /** Another one for a member that leaves: of a shift, at its target and nowhere else. */
  #standIn({ view }: Count, leaving: PlacedMember, nowMs: number): ScaleProposal[] {
    const { host } = leaving.entry;
    const isShift = host === this.#shift?.from && !unwelcome(view)(leaving);
    const candidates = this.#candidates(view);
    const chosen = isShift
      ? candidates.filter(({ entry }) => entry.host === this.#shift?.to)
      : candidates.slice(0, 1);
    return this.#proposals(view, { chosen, change: "run", replaces: host, nowMs });
  }

  #candidates(view: ServiceView): PlacedMember[] {
    return resumable(view).filter(({ entry }) => this.#open.mayAsk(entry.host));
  }

  /** Never below `min` of those that serve now: what is coming may fail. */
  #rest(
    { view, running }: Count,
    { from, number }: { from: readonly PlacedMember[]; number: number },
    nowMs: number,
  ): ScaleProposal[] {
    const most = Math.max(0, Math.min(number, running.length - view.spec.running.min));
    const chosen = from.filter(({ entry }) => this.#open.mayAsk(entry.host)).slice(0, most);
    return this.#proposals(view, { chosen, change: "rest", replaces: null, nowMs });
  }

  #proposals(view: ServiceView, batch: Batch): ScaleProposal[] {
    const room = Math.max(0, this.#params.proposalsMax - this.#open.size);
    const chosen = batch.chosen.slice(0, room).map(({ entry }) => entry.host);
    for (const host of chosen) this.#open.proposed(host, batch.change, batch.nowMs);
    const changing = this.#open.hosts;
    const live = new Set(view.hosts.map(({ host }) => host));
    const { from, to, cpuCoresMax } = this.#shift ?? {};
    const limit = cpuCoresMax === undefined || batch.replaces !== from ? {} : { cpuCoresMax };
    return chosen.map((host) => ({
      ...(host === to ? limit : {}),
      ...this.#way(view, host),
      service: view.spec.name,
      change: batch.change,
      host,
      steward: view.self,
      document: view.document,
      changing,
      runningDigest: runningDigest(view.members, live, changing),
      replaces: batch.replaces,
    }));
  }

  /** Whoever gave no answer may be out of reach for this host alone: then by way of another, by turns. */
  #way({ spec, self, hosts }: ServiceView, host: HostId): Pick<ScaleProposal, "relay"> {
    const silences = this.#open.silences(host);
    if (silences === 0 || host === self) return {};
    const others = hosts.flatMap((one) =>
      one.host === self || one.host === host ? [] : [one.host],
    );
    const relay = rendezvousOrder(spec.name, others)[(silences - 1) % Math.max(1, others.length)];
    return relay === undefined ? {} : { relay };
  }
}

interface Batch {
  readonly chosen: readonly PlacedMember[];
  readonly change: ScaleProposal["change"];
  readonly replaces: HostId | null;
  readonly nowMs: number;
}

function without(all: readonly PlacedMember[], some: readonly PlacedMember[]): PlacedMember[] {
  return all.filter((one) => !some.includes(one));
}
