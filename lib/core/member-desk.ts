import { earliestMs } from "../base/earliest.ts";
import type { CopyReport, CopyState } from "../model/copy.ts";
import type { HostOpResult } from "../model/host-op.ts";
import type { VmName } from "../model/ids.ts";
import type { VmLoad } from "../model/load.ts";
import type { MemberNews } from "../model/member-news.ts";
import type { ServiceSpec } from "../model/service.ts";
import { diskRefusal } from "../services/disk-budget.ts";
import { counts } from "../services/member-entry.ts";
import { memberNameOf } from "../services/member-name.ts";
import { OwnTurns } from "../services/own-turns.ts";
import { defaultServiceParams } from "../services/params.ts";
import type { DeclaredService } from "../services/service-document.ts";
import { keepsMember } from "../services/staging.ts";
import { mayRestage } from "../services/unhealthy.ts";
import { wireLimits } from "../wire/limits.ts";
import type { JournalEntry } from "./effects.ts";
import { type GuestTable, hasMemory } from "./guest-table.ts";
import { journalValues } from "./journal-keys.ts";
import { type MemberPlan, memberPlanOf } from "./member-plan.ts";
import { MemberSeat, type SeatDeclared, type SeatLine } from "./member-seat.ts";
import type { ServiceHosting } from "./node-options.ts";
import type { Outbox, PendingOp } from "./outbox.ts";
import type { Self } from "./self.ts";
import type { ServiceSight } from "./service-sight.ts";

export interface MemberDeskOptions {
  readonly self: Self;
  readonly hosting: ServiceHosting;
  readonly outbox: Outbox;
  readonly guests: GuestTable;
  readonly drainMarkBase: number;
  /** Memory that the ledger leaves for members, bytes. */
  readonly freeMemoryBytes: () => number;
}

const mebibyte = 2 ** 20;
/** How long the member of a service drains whose document is gone, ms. */
const drainMsUnknown = 10_000;

/** The members of services on this host: one seat for each service that may have one here. */
export class MemberDesk {
  readonly #options: MemberDeskOptions;
  readonly #seats = new Map<string, MemberSeat>();
  readonly #copies = new Map<VmName, CopyState>();
  /** Why a service makes no member here, in words, by service. */
  readonly #objections = new Map<string, string>();
  /** Made once for each document, which is never changed, only replaced. */
  readonly #plans = new WeakMap<ServiceSpec, ReturnType<typeof memberPlanOf>>();
  readonly #turns: OwnTurns;
  /** Of the last change, when `nextTimeoutMs` counts again. */
  #handledMs = Number.NEGATIVE_INFINITY;

  constructor(options: MemberDeskOptions) {
    this.#options = options;
    this.#turns = new OwnTurns(options.self.options.self, defaultServiceParams);
  }

  seat(service: string): MemberSeat | undefined {
    return this.#seats.get(service);
  }

  /** The service whose member this VM is here; undefined when it is none. */
  serviceOf(vm: VmName): string | undefined {
    for (const seat of this.#seats.values()) if (seat.name === vm) return seat.service;
    return undefined;
  }

  /** Services whose member runs here. */
  get running(): readonly string[] {
    return [...this.#seats.values()].flatMap(({ service, state }) =>
      state === "running" ? [service] : [],
    );
  }

  get nextTimeoutMs(): number | undefined {
    const turnMs = this.#turns.nextTimeoutMs;
    const times = [...this.#seats.values()].flatMap(({ nextTimeoutMs: atMs }) =>
      atMs !== undefined && atMs > this.#handledMs ? [atMs] : [],
    );
    return earliestMs(
      turnMs !== undefined && turnMs > this.#handledMs ? turnMs : undefined,
      ...times,
    );
  }

  /** What an earlier life left, with what the hypervisor shows of it. */
  restore(
    journal: readonly JournalEntry[],
    copies: readonly CopyReport[],
    { get, nowMs }: { get: (service: string) => DeclaredService | undefined; nowMs: number },
  ): void {
    for (const { vm, state } of copies) this.#copies.set(vm, state);
    for (const [service, line] of journalValues<SeatLine>(journal, "member/")) {
      const word = get(service)?.word;
      const spec = word?.state === "declared" ? word.spec : null;
      // What cannot be read now may be read by a later agent: it goes on as it was made.
      const staged = spec !== null || word?.state === "unreadable";
      const plan = (spec && this.#planOf(spec)) ?? line.made;
      const declared = { plan, staged, drainMs: spec?.drainMs ?? drainMsUnknown };
      this.#sit(service, declared, line)?.restart(line, this.#copyOf(service), nowMs);
    }
  }

  /** Brings the seats in line with the documents. `acts` false: only what was deleted changes. */
  declare(
    all: readonly DeclaredService[],
    { sight, acts, nowMs }: { sight: ServiceSight; acts: boolean; nowMs: number },
  ): void {
    this.#handledMs = nowMs;
    for (const { name, word } of all) {
      const seat = this.#seats.get(name);
      if (word.state === "deleted" && seat) {
        seat.dismiss(nowMs);
        if (seat.state === "absent") this.#seats.delete(name);
      } else if (word.state === "declared" && acts) this.#declareOne(word.spec, sight, nowMs);
    }
  }

  /** Stages what has its turn. */
  stage(sight: ServiceSight, nowMs: number): void {
    for (const service of this.#dueToStage(sight, nowMs)) {
      this.#seats.get(service)?.feed({ type: "mayStage" }, nowMs);
    }
  }

  /** Begins members anew that have been unhealthy for too long, where others serve. */
  restage(all: readonly DeclaredService[], sight: ServiceSight, nowMs: number): void {
    for (const { name, word } of all) {
      const seat = this.#seats.get(name);
      if (word.state !== "declared" || seat?.unhealthySinceMs === undefined) continue;
      const { self } = this.#options.self.options;
      const live = new Set(sight.liveHosts);
      const others = sight.membersOf(name).filter(({ host }) => host !== self && live.has(host));
      const since = { unhealthyMs: nowMs - seat.unhealthySinceMs, others };
      if (!mayRestage(word.spec, since, defaultServiceParams)) continue;
      const reason = `staged anew, as it was unhealthy: ${seat.healthProblem}`;
      seat.feed({ type: "lost", reason }, nowMs);
    }
  }

  /** Tells the draining members that no switch has anything for them any more. */
  drained(sight: ServiceSight, nowMs: number): void {
    const { self } = this.#options.self.options;
    for (const seat of this.#seats.values()) {
      const { drainMark } = seat;
      if (drainMark === null || !sight.isDrained(seat.service, self, drainMark)) continue;
      seat.drained(drainMark, nowMs);
    }
  }

  timeout(nowMs: number): void {
    this.#handledMs = nowMs;
    for (const seat of this.#seats.values()) {
      if (seat.nextTimeoutMs !== undefined && seat.nextTimeoutMs <= nowMs) seat.timeout(nowMs);
    }
  }

  opEnded({ op, owner }: PendingOp, result: HostOpResult, nowMs: number): void {
    if (owner.part !== "member") return;
    if (op === "askMember") {
      this.#seats.get(owner.service)?.answered(result, nowMs);
      return;
    }
    this.#seats.get(owner.service)?.opEnded(op, result, nowMs);
    if (!result.ok) {
      const message = `member of ${owner.service}: ${op}: ${result.message}`;
      this.#options.outbox.notice("warn", "service-member-failed", message, {
        service: owner.service,
      });
    }
  }

  listed(copies: readonly CopyReport[], nowMs: number): void {
    const { outbox } = this.#options;
    this.#copies.clear();
    for (const { vm, state } of copies) this.#copies.set(vm, state);
    for (const seat of this.#seats.values()) {
      const found = seat.listed(this.#copies.get(seat.name) ?? null, nowMs);
      if (found === "missing") outbox.relist();
      if (found !== "lost") continue;
      const message = `${seat.name}, the member of ${seat.service} here, has ended by itself`;
      outbox.notice("warn", "service-member-lost", message, {
        service: seat.service,
        vm: seat.name,
      });
    }
  }

  sampled(vms: readonly { readonly vm: VmName; readonly load: VmLoad }[], nowMs: number): void {
    const loads = new Map(vms.map(({ vm, load }) => [vm, load]));
    for (const seat of this.#seats.values()) {
      const load = loads.get(seat.name);
      if (load) seat.sampled(load, nowMs);
    }
  }

  /** Of each service, by name. */
  news(nowMs: number): readonly MemberNews[] {
    const seats = [...this.#seats.values()].sort((a, b) => (a.service < b.service ? -1 : 1));
    const told = seats.map((seat) => {
      // Only of one that waits does it matter.
      return seat.news(seat.waiting(nowMs) ? this.#heldBack(seat) : "", nowMs);
    });
    const barred = [...this.#objections].flatMap(([service, obstacle]) =>
      this.#seats.has(service) ? [] : [{ ...nothing, service, obstacle }],
    );
    return [...told, ...barred];
  }

  /** One after the other, in a large cluster by the word of the services' stewards. */
  #dueToStage(sight: ServiceSight, nowMs: number): readonly string[] {
    if (sight.isWhole) return this.#turns.due(sight.staging(), nowMs);
    const seats = [...this.#seats.values()];
    if (seats.some(({ state }) => state === "staging")) return [];
    const first = seats.find(
      (seat) =>
        seat.waiting(nowMs) &&
        this.#heldBack(seat) === "" &&
        sight.stewardSays("mayStage", seat.service),
    );
    return first ? [first.service] : [];
  }

  #declareOne(spec: ServiceSpec, sight: ServiceSight, nowMs: number): void {
    const { name, drainMs } = spec;
    const isStaged = this.#options.hosting.diskBytesMax > 0 && this.#keeps(spec, sight);
    const seat = this.#seats.get(name);
    if (!seat && !isStaged) {
      this.#objections.delete(name);
      return;
    }
    const declared = { plan: this.#planOf(spec), staged: isStaged, drainMs };
    if (!seat) this.#sit(name, declared, null)?.restart(null, this.#copyOf(name), nowMs);
    else {
      seat.declare(declared, nowMs);
      if (!isStaged && seat.state === "absent") this.#seats.delete(name);
    }
  }

  /** True when this host should have a member, or cannot let go of it yet. */
  #keeps(spec: ServiceSpec, sight: ServiceSight): boolean {
    const { self } = this.#options.self.options;
    const chosen = sight.chosenHosts(spec);
    if (chosen.includes(self)) return true;
    const seat = this.#seats.get(spec.name);
    if (!seat) return false;
    const mayGo = sight.stewardSays("mayGo", spec.name);
    if (mayGo !== null) return counts(seat.state) || !mayGo;
    return keepsMember(spec, {
      self,
      hosts: [...chosen, self],
      members: sight.membersOf(spec.name),
    });
  }

  #planOf(spec: ServiceSpec): MemberPlan | null {
    const { self, hosting } = this.#options;
    const { self: host, name } = self.options;
    let plan = this.#plans.get(spec);
    if (!plan) {
      plan = memberPlanOf(spec, { host, name, overlayFolder: hosting.overlayFolder });
      this.#plans.set(spec, plan);
    }
    if (plan.ok) this.#objections.delete(spec.name);
    else this.#objections.set(spec.name, plan.objection);
    return plan.ok ? plan.value : null;
  }

  #sit(service: string, declared: SeatDeclared, line: SeatLine | null): MemberSeat | undefined {
    const { self, outbox, guests, drainMarkBase } = this.#options;
    const name = memberNameOf(service, self.options.self);
    if (name === null || (declared.plan === null && line === null)) return undefined;
    // Somebody else's VM of that name, and its copy, are not to be touched.
    const isTaken = guests.get(name) || (line === null && hasMemory(this.#copyOf(service)));
    if (isTaken) {
      this.#objections.set(service, `a VM named ${name} is here that is no member`);
      return undefined;
    }
    const seat = new MemberSeat({ service, name, declared, outbox, guests, drainMarkBase });
    this.#seats.set(service, seat);
    return seat;
  }

  #copyOf(service: string): CopyState | null {
    const name = memberNameOf(service, this.#options.self.options.self);
    return (name !== null && this.#copies.get(name)) || null;
  }

  /** Why a member that waits cannot be staged here now, in words; "" when it can. */
  #heldBack(seat: MemberSeat): string {
    const { self, hosting, freeMemoryBytes } = this.#options;
    const objection = this.#objections.get(seat.service);
    if (objection !== undefined) return objection.slice(0, wireLimits.obstacleLengthMax);
    if (self.draining) return "the host is being drained";
    const needed = seat.memoryBytes;
    if (freeMemoryBytes() < needed) return `staging needs ${inMib(needed)} MiB of memory`;
    let usedBytes = 0;
    for (const other of this.#seats.values()) if (other !== seat) usedBytes += other.claimedBytes;
    // What is free on the disk is found out by the host when it stages.
    const budget = { usedBytes, limitBytes: hosting.diskBytesMax, freeBytes: Number.MAX_VALUE };
    return diskRefusal(needed, budget) ?? "";
  }
}

const nothing = {
  state: "absent",
  outdated: false,
  waiting: false,
  cpuShare: null,
  diskBytes: 0,
  atSwitch: "maint",
  drainMark: null,
} as const;

function inMib(bytes: number): number {
  return Math.ceil(bytes / mebibyte);
}
