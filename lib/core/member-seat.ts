import { earliestMs } from "../base/earliest.ts";
import type { CopyState } from "../model/copy.ts";
import type { HostOp, HostOpResult, HostOpValues } from "../model/host-op.ts";
import type { VmName } from "../model/ids.ts";
import type { VmLoad } from "../model/load.ts";
import type { MemberNews } from "../model/member-news.ts";
import { stagingBytes } from "../services/disk-budget.ts";
import { Member } from "../services/member.ts";
import { type HealthInput, MemberHealth } from "../services/member-health.ts";
import type { MemberInput, MemberLine, MemberOp, MemberOrder } from "../services/member-order.ts";
import { defaultServiceParams } from "../services/params.ts";
import { wireLimits } from "../wire/limits.ts";
import { type GuestTable, hasMemory } from "./guest-table.ts";
import { journalEntry, journalKeys } from "./journal-keys.ts";
import { askOp, hostOpOf, type MemberPlan, memberOpOf } from "./member-plan.ts";
import type { Outbox } from "./outbox.ts";

/** The journal's line of a member. */
export interface SeatLine extends MemberLine {
  /** What the copy or image here was made from; null before the first. */
  readonly made: MemberPlan | null;
  readonly overlayBytes: number;
  readonly imageBytes: number;
}

/** What a service's document asks of its member here. */
export interface SeatDeclared {
  /** Null where the document makes no member here; then `staged` is false. */
  readonly plan: MemberPlan | null;
  readonly staged: boolean;
  readonly drainMs: number;
}

export interface SeatOptions {
  readonly service: string;
  readonly name: VmName;
  readonly declared: SeatDeclared;
  readonly outbox: Outbox;
  readonly guests: GuestTable;
  /** Its drains are numbered from here: no earlier life of the agent has used these. */
  readonly drainMarkBase: number;
}

/** As what the wire lets through. */
const obstacleLengthMax = wireLimits.obstacleLengthMax;
/** Lists in a row without what should be there, before it is believed. */
const missesMax = 2;
/** The mean of so many samples is the member's load: a crowd must not wait for a long mean. */
const samplesMax = 3;
const inMemory = new Set(["staging", "resuming", "running", "draining", "suspending"]);

/** Where this host has, or may have, its member of one service: its orders become effects here. */
export class MemberSeat {
  readonly #options: SeatOptions;
  readonly #member: Member;
  readonly #health = new MemberHealth(defaultServiceParams);
  #declared: SeatDeclared;
  #line: SeatLine = {
    digest: null,
    wantsRunning: false,
    made: null,
    overlayBytes: 0,
    imageBytes: 0,
  };
  #atSwitch: MemberNews["atSwitch"] = "maint";
  #drainRound: number | null = null;
  #misses = 0;
  #cpuCores: number[] = [];

  constructor(options: SeatOptions) {
    this.#options = options;
    this.#declared = options.declared;
    const { plan, staged, drainMs } = options.declared;
    const declared = { staged: staged && plan !== null, digest: plan?.digest ?? "", drainMs };
    this.#member = new Member({ params: defaultServiceParams, declared });
  }

  get service(): string {
    return this.#options.service;
  }

  get name(): VmName {
    return this.#options.name;
  }

  get state(): MemberNews["state"] {
    return this.#member.state;
  }

  /** Of a member as it is, or would be staged. */
  get memoryBytes(): number {
    return (this.#declared.plan ?? this.#plan())?.vm.memoryBytes ?? 0;
  }

  get diskBytes(): number {
    return this.#line.overlayBytes + this.#line.imageBytes;
  }

  /** What it takes on the disk, or will when the staging under way has ended. */
  get claimedBytes(): number {
    const begins = this.state === "staging" ? stagingBytes(this.memoryBytes) : 0;
    return Math.max(this.diskBytes, begins);
  }

  /** Which drain the switches are asked for; null while it does not drain. */
  get drainMark(): number | null {
    if (this.#drainRound === null || this.state !== "draining") return null;
    return this.#options.drainMarkBase + this.#drainRound;
  }

  get nextTimeoutMs(): number | undefined {
    return earliestMs(this.#member.nextTimeoutMs, this.#health.nextTimeoutMs);
  }

  /** Since when its member fails its health check; undefined for one that is well. */
  get unhealthySinceMs(): number | undefined {
    return this.#health.fallenSinceMs;
  }

  /** What the member fails its health check with, in words; "" for one that is well. */
  get healthProblem(): string {
    return this.#health.problem;
  }

  waiting(nowMs: number): boolean {
    return this.#member.waiting(nowMs);
  }

  restRefusal(nowMs: number): string | null {
    return this.#member.restRefusal(nowMs);
  }

  /** What an earlier life left here; `line` null for nothing. */
  restart(line: SeatLine | null, copy: CopyState | null, nowMs: number): void {
    if (line) this.#line = line;
    const found = foundAs(copy);
    if (found === "running" && line?.digest != null && line.wantsRunning) this.#atSwitch = "kept";
    this.feed({ type: "restarted", found, line }, nowMs);
  }

  /** What the document says now; nothing happens unless it says something else than before. */
  declare(declared: SeatDeclared, nowMs: number): void {
    const before = this.#declared;
    const plan = declared.plan ?? before.plan;
    const now = { ...declared, plan, staged: declared.staged && plan !== null };
    this.#declared = now;
    const same =
      before.staged === now.staged &&
      before.plan?.digest === plan?.digest &&
      before.drainMs === now.drainMs;
    if (same) return;
    const { staged, drainMs } = now;
    this.feed({ type: "declared", staged, digest: plan?.digest ?? "", drainMs }, nowMs);
  }

  /** The service is deleted: it drains, and all of it is removed. */
  dismiss(nowMs: number): void {
    this.declare({ ...this.#declared, staged: false }, nowMs);
  }

  opEnded(op: HostOp["op"], result: HostOpResult, nowMs: number): void {
    const ended = memberOpOf(op);
    if (!ended) return;
    if (result.ok) this.#keepDisk(ended, result.value);
    const told = result.ok
      ? ({ ok: true } as const)
      : ({ ok: false, reason: result.message } as const);
    this.feed({ type: "opEnded", op: ended, result: told }, nowMs);
  }

  timeout(nowMs: number): void {
    const atMs = this.#member.nextTimeoutMs;
    if (atMs !== undefined && atMs <= nowMs) this.feed({ type: "timeout" }, nowMs);
    this.#watch({ type: "timeout" }, nowMs);
  }

  /** What the member answered when it was asked for its health. */
  answered(result: HostOpResult, nowMs: number): void {
    this.#watch({ type: "answered", problem: result.ok ? null : result.message }, nowMs);
  }

  drained(mark: number, nowMs: number): void {
    if (mark !== this.drainMark || this.#drainRound === null) return;
    this.feed({ type: "drained", round: this.#drainRound }, nowMs);
  }

  /** True when what the hypervisor shows changed the member, or it must be asked once more. */
  listed(copy: CopyState | null, nowMs: number): "well" | "missing" | "lost" {
    const runs = this.state === "running" || this.state === "draining";
    const missing = runs ? !hasMemory(copy) : this.state === "suspended" && copy !== "suspended";
    this.#misses = missing ? this.#misses + 1 : 0;
    if (!missing) return "well";
    if (this.#misses < missesMax) return "missing";
    this.#misses = 0;
    const reason = runs ? "its process has ended by itself" : "its suspended image is gone";
    this.feed({ type: "lost", reason }, nowMs);
    return "lost";
  }

  sampled(load: VmLoad, nowMs: number): void {
    this.#options.guests.members.get(this.name)?.estimate.observe(load, nowMs);
    this.#cpuCores = [...this.#cpuCores, load.cpuCores].slice(-samplesMax);
  }

  feed(input: MemberInput, nowMs: number): void {
    const orders = this.#member.handle(input, nowMs);
    // What is staged now is made from what is declared now; the journal must say so first.
    if (orders.some((order) => order.type === "run" && order.op === "stage")) {
      this.#line = { ...this.#line, made: this.#declared.plan, overlayBytes: 0, imageBytes: 0 };
    }
    for (const order of orders) this.#obey(order);
    this.#account();
    this.#watch({ type: this.state === "running" ? "serves" : "rests" }, nowMs);
  }

  /** `held`: why it cannot be staged though its turn may come, in words; "" when it can. */
  news(held: string, nowMs: number): MemberNews {
    const waits = this.waiting(nowMs);
    const { vcpus } = this.#plan()?.vm ?? { vcpus: 1 };
    const count = this.#cpuCores.length;
    const cores = this.#cpuCores.reduce((sum, one) => sum + one, 0) / Math.max(1, count);
    return {
      service: this.service,
      state: this.state,
      outdated: this.#member.outdated,
      waiting: waits && held === "",
      ...(this.#member.unwell && { healthy: false as const }),
      cpuShare: count === 0 ? null : cores / vcpus,
      diskBytes: this.diskBytes,
      obstacle: waits && held !== "" ? held : this.#obstacle,
      atSwitch: this.#atSwitch,
      drainMark: this.drainMark,
    };
  }

  get #obstacle(): string {
    const { problem } = this.#health;
    return problem === "" ? this.#member.obstacle : problem.slice(0, obstacleLengthMax);
  }

  #watch(input: HealthInput, nowMs: number): void {
    const order = this.#health.handle(input, nowMs);
    if (order === null) return;
    if (order === "ask") this.#ask();
    else {
      this.feed({ type: "health", well: order === "rose" }, nowMs);
      this.#tellHealth(order);
    }
  }

  /** Where the guest is that runs, by what the document says of its health. */
  #ask(): void {
    const { made } = this.#line;
    const { plan } = this.#declared;
    const asked = plan?.digest === made?.digest ? (plan ?? made) : made;
    if (!asked) return;
    this.#options.outbox.run(askOp(asked), { part: "member", service: this.service });
  }

  #tellHealth(order: "fell" | "rose"): void {
    const { outbox } = this.#options;
    const facts = { service: this.service, vm: this.name };
    const who = `${this.name}, the member of ${this.service} here,`;
    if (order === "rose")
      outbox.notice("info", "service-member-well", `${who} is well again`, facts);
    else {
      const message = `${who} fails its health check: ${this.#health.problem}`;
      outbox.notice("warn", "service-member-unhealthy", message, facts);
    }
  }

  /** What it was made from, else what it would be made from. */
  #plan(): MemberPlan | null {
    return this.#line.made ?? this.#declared.plan;
  }

  #obey(order: MemberOrder): void {
    if (order.type === "journal") {
      this.#line = { ...this.#line, ...order.line };
      this.#persist();
    } else if (order.type === "switch") {
      this.#atSwitch = order.to;
      this.#drainRound = order.to === "drain" ? order.round : null;
    } else this.#run(order.op);
  }

  #run(op: MemberOp): void {
    const plan = this.#plan();
    // Only what was made is ever suspended, resumed, checked or discarded, and that is journaled.
    if (!plan) return;
    const owner = { part: "member", service: this.service } as const;
    this.#options.outbox.run(hostOpOf(op, plan), owner);
  }

  #keepDisk(op: MemberOp, value: HostOpValues[keyof HostOpValues]): void {
    if (op === "stage") {
      const { diskBytes } = value as HostOpValues["stageMember"];
      // Told as it will be once suspended; from then on the image's own size is known.
      const imageBytes = Math.min(diskBytes, this.memoryBytes);
      this.#line = { ...this.#line, overlayBytes: diskBytes - imageBytes, imageBytes };
    } else if (op === "suspend") {
      const { imageBytes } = value as HostOpValues["suspend"];
      this.#line = { ...this.#line, imageBytes };
    } else if (op === "discard") {
      this.#line = { ...this.#line, made: null, overlayBytes: 0, imageBytes: 0 };
    } else return;
    this.#persist();
  }

  /** A member of which nothing is left needs no line. */
  #persist(): void {
    const line = this.#line.made === null && this.#line.digest === null ? undefined : this.#line;
    this.#options.outbox.persist([journalEntry(journalKeys.member(this.service), line)]);
  }

  #account(): void {
    const { members } = this.#options.guests;
    const plan = this.#plan();
    if (this.state !== "running" && this.state !== "draining") this.#cpuCores = [];
    if (plan && inMemory.has(this.state)) members.begins(plan.vm);
    else if (this.state !== "discarding") members.ended(this.name);
  }
}

/** A live process of any kind counts as running: what it is worth is found out. */
function foundAs(copy: CopyState | null): "running" | "suspended" | "stale" | "none" {
  if (hasMemory(copy)) return "running";
  return copy === "suspended" || copy === "stale" ? copy : "none";
}
