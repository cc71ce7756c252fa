import { assert } from "../base/assert.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { CopyReport } from "../model/copy.ts";
import type { HostOpResult } from "../model/host-op.ts";
import { type HostId, readMoveId, type VmName } from "../model/ids.ts";
import type { VmLoad } from "../model/load.ts";
import type { MoveOutcome } from "../model/move-outcome.ts";
import type { TransferProgress } from "../model/transfer-progress.ts";
import type { VmSpec } from "../model/vm-spec.ts";
import type { MoveFacts, MoveLine } from "../moves/move-line.ts";
import type { MoveEnd, MoveInput, MoveOrder } from "../moves/move-order.ts";
import { defaultMoveParams } from "../moves/params.ts";
import { SourceMove } from "../moves/source-move.ts";
import { TargetMove } from "../moves/target-move.ts";
import { coolDownMs, recentMovesAfter } from "../planning/cool-down.ts";
import type { PlanningParams } from "../planning/params.ts";
import type { MoveMessage, TargetAnswerMessage } from "../wire/messages.ts";
import type { JournalEntry } from "./effects.ts";
import { forgottenSourceAnswer, forgottenTargetAnswer } from "./forgotten-answer.ts";
import { type Guest, type GuestTable, newOwnedVm } from "./guest-table.ts";
import { journalEntry, journalKeys, journalValues } from "./journal-keys.ts";
import type { MoveHistory } from "./move-history.ts";
import { isSource, type MoveEntry, MoveTable } from "./move-table.ts";
import type { Outbox, PendingOp } from "./outbox.ts";
import type { Self } from "./self.ts";

/** Rest of a VM whose move failed, doubling with each failure in a row. */
const failureRestMs = 10_000;
const failureRestMsMax = 600_000;

export interface MoverOptions {
  readonly self: Self;
  readonly outbox: Outbox;
  readonly guests: GuestTable;
  readonly ledger: Ledger;
  readonly history: MoveHistory;
  readonly planning: PlanningParams;
  readonly nameOf: (host: HostId) => string;
  readonly addressesOf: (host: HostId) => readonly string[];
  /** Something about a VM or a slot changed that others should hear of. */
  readonly changed: (nowMs: number) => void;
  /** A VM of this host runs on another now. */
  readonly departed: (spec: VmSpec, to: HostId, nowMs: number) => void;
}

/**
 * Carries out the moves' orders: makes them effects, keeps owner records and reservations in step
 * with the journal, and writes the history. The decisions are lib/moves' alone.
 */
export class Mover {
  readonly table = new MoveTable();
  readonly #options: MoverOptions;
  readonly #outbox: Outbox;
  #movesOut = 0;
  #movesIn = 0;
  #movesFailed = 0;

  constructor(options: MoverOptions) {
    this.#options = options;
    this.#outbox = options.outbox;
  }

  get counters(): { movesOut: number; movesIn: number; movesFailed: number } {
    return { movesOut: this.#movesOut, movesIn: this.#movesIn, movesFailed: this.#movesFailed };
  }

  /** Takes up the moves that the journal left open, before anything else is done. */
  restore(lines: readonly JournalEntry[], nowMs: number): void {
    for (const line of journalValues<MoveLine>(lines, "move/").values()) {
      const entry = this.#entryOf(line, nowMs);
      this.table.add(entry);
      const { move } = entry;
      const holds = move instanceof TargetMove ? move.reserves : !move.onlyRemembered;
      if (holds) this.#reserve(line, null, line.role);
      if (!this.#options.guests.get(line.vm) && line.role === "source") {
        this.#options.guests.departs(line.vm, line.spec.memoryBytes);
      }
    }
    for (const entry of this.table.all()) this.#feed(entry, { type: "restored" }, nowMs);
  }

  #entryOf(line: MoveLine, nowMs: number): MoveEntry {
    const { role, phase, ...facts } = line;
    const params = defaultMoveParams;
    const move =
      line.role === "source"
        ? new SourceMove(this.#sourceOptions(facts), line)
        : new TargetMove({ facts, params }, line);
    assert(role === line.role && phase === line.phase, "the line is one of the two roles");
    return { move, startedAtMs: nowMs, load: null, progress: null, doubtTold: false };
  }

  #sourceOptions(facts: MoveFacts): ConstructorParameters<typeof SourceMove>[0] {
    const { limits } = this.#options.self.options.settings;
    const addresses = this.#options.addressesOf(facts.peer);
    return { facts, addresses, limits, params: defaultMoveParams };
  }

  beginSource(facts: MoveFacts, load: VmLoad | null, nowMs: number): void {
    const move = new SourceMove(this.#sourceOptions(facts));
    const entry = { move, startedAtMs: nowMs, load, progress: null, doubtTold: false };
    this.table.add(entry);
    this.#reserve(facts, load, "source");
    this.#obey(entry, move.begin(nowMs), nowMs);
  }

  /** The reservation stands already: it was made when the proposal was chosen. */
  grantTarget(facts: MoveFacts, load: VmLoad | null, nowMs: number): void {
    const move = new TargetMove({ facts, params: defaultMoveParams });
    const entry = { move, startedAtMs: nowMs, load, progress: null, doubtTold: false };
    this.table.add(entry);
    this.#obey(entry, move.grant(nowMs), nowMs);
  }

  #reserve(facts: MoveFacts, load: VmLoad | null, role: "source" | "target"): void {
    const reservation = {
      moveId: facts.moveId,
      vm: facts.vm,
      memoryBytes: facts.spec.memoryBytes,
      cpuCores: load?.cpuCores ?? 0,
      networkBytesPerSecond: load?.networkBytesPerSecond ?? 0,
      antiAffinityGroup: facts.spec.policy.antiAffinityGroup,
      affinityGroup: facts.spec.policy.affinityGroup ?? null,
    };
    if (role === "source") this.#options.ledger.restoreOut(reservation);
    else this.#options.ledger.restoreIn(reservation);
  }

  onMessage(from: HostId, message: MoveMessage, nowMs: number): void {
    const entry = this.table.get(message.moveId);
    if (entry) {
      // Only the two ends of a move have a say in it.
      if (entry.move.facts.peer === from) this.#feed(entry, { type: "message", message }, nowMs);
      return;
    }
    this.#answerForgotten(from, message);
  }

  /** A move that this journal does not have: say what can be said for certain, and no more. */
  #answerForgotten(from: HostId, message: MoveMessage): void {
    const { moveId } = message;
    const fromTarget =
      message.type === "held" || (message.type === "query" && message.asker === "target");
    const fromSource =
      message.type === "begin" ||
      message.type === "commit" ||
      message.type === "abort" ||
      (message.type === "query" && message.asker === "source");
    const { self, guests, history } = this.#options;
    const guest = guests.get(moveId.split(".")[0] ?? "");
    const forgotten = { moveId, self: self.options.self, guest, history: history.own };
    if (fromTarget) {
      const answer = forgottenSourceAnswer(forgotten);
      this.#outbox.send(from, { type: "sourceAnswer", moveId, answer });
    } else if (message.type === "targetAnswer") {
      if (isOver(message, guest)) this.#outbox.send(from, { type: "close", moveId });
    } else if (fromSource && message.type !== "abort") {
      const answer = forgottenTargetAnswer(forgotten);
      this.#outbox.send(from, { type: "targetAnswer", moveId, answer, detail: "" });
    }
  }

  opEnded(pending: PendingOp, result: HostOpResult, nowMs: number): void {
    if (pending.owner.part !== "move") return;
    const entry = this.table.get(pending.owner.moveId);
    if (entry) this.#feed(entry, { type: "opEnded", op: pending.op, result }, nowMs);
  }

  progressed(progress: TransferProgress): void {
    const entry = this.table.get(progress.moveId);
    if (entry) entry.progress = progress;
  }

  copiesListed(copies: readonly CopyReport[], nowMs: number): void {
    const states = new Map(copies.map((copy) => [copy.vm, copy.state]));
    for (const entry of this.table.all()) {
      const state = states.get(entry.move.facts.vm) ?? null;
      this.#feed(entry, { type: "copyListed", state }, nowMs);
    }
  }

  timeout(nowMs: number): void {
    for (const entry of this.table.all()) {
      const at = entry.move.nextTimeoutMs;
      if (at !== undefined && at <= nowMs) this.#feed(entry, { type: "timeout" }, nowMs);
    }
  }

  /** The loop was late by seconds: every move looks again before it goes on. */
  woken(nowMs: number): void {
    for (const entry of this.table.all()) this.#feed(entry, { type: "woken" }, nowMs);
  }

  peerReachable(host: HostId, nowMs: number): void {
    for (const entry of this.table.withPeer(host)) {
      this.#feed(entry, { type: "reachable" }, nowMs);
    }
  }

  /** Cancels the VM's move; null when it is done, else why not. */
  cancel(vm: VmName, reason: string, nowMs: number): string | null {
    const entry = this.table.ofVm(vm);
    if (!entry) return `${vm} has no unfinished move`;
    if (!isSource(entry) || !entry.move.cancellable) {
      return `the move of ${vm} is past its vote and cannot be cancelled`;
    }
    this.#feed(entry, { type: "abortAsked", reason }, nowMs);
    return null;
  }

  resolve(vm: VmName, decision: "run-here" | "discard", nowMs: number): boolean {
    const entry = this.table.ofVm(vm) ?? this.table.unclosedOf(vm);
    if (!entry) return false;
    this.#feed(entry, { type: "resolved", decision }, nowMs);
    return true;
  }

  #feed(entry: MoveEntry, input: MoveInput, nowMs: number): void {
    this.#obey(entry, entry.move.handle(input, nowMs), nowMs);
    // Nothing goes on here any more: neither a slot nor a place is claimed.
    if (entry.move.onlyRemembered) this.#options.ledger.release(entry.move.facts.moveId);
    this.#tie(entry);
    this.#tellDoubt(entry, nowMs);
  }

  /** The VM stays until the other end has confirmed that it runs here. */
  #tie({ move }: MoveEntry): void {
    const { moveId, vm } = move.facts;
    const guest = this.#options.guests.get(vm);
    if (guest && move.unclosed && this.table.get(moveId)) guest.unclosedMove = moveId;
  }

  #tellDoubt(entry: MoveEntry, nowMs: number): void {
    const inDoubt = entry.move.inDoubt(nowMs);
    if (inDoubt === entry.doubtTold) return;
    entry.doubtTold = inDoubt;
    const { vm, moveId, peer } = entry.move.facts;
    const other = this.#options.nameOf(peer);
    this.#outbox.notice(
      inDoubt ? "error" : "info",
      inDoubt ? "in-doubt" : "doubt-over",
      inDoubt
        ? `${vm} is in doubt: ${other} does not say what became of the move; it stays paused until ` +
            `${other} answers, or 'evenkeel move resolve ${vm}' with that host fenced`
        : `${vm} is no longer in doubt`,
      { vm, moveId, host: other },
    );
    this.#options.changed(nowMs);
  }

  #obey(entry: MoveEntry, orders: readonly MoveOrder[], nowMs: number): void {
    const { facts } = entry.move;
    for (const order of orders) {
      switch (order.type) {
        case "journal":
          this.#journal(entry, order, nowMs);
          break;
        case "send":
          this.#outbox.send(facts.peer, order.message);
          break;
        case "run":
          this.#outbox.run(order.op, { part: "move", moveId: facts.moveId });
          break;
        case "warn":
          this.#outbox.notice("warn", `move-${order.code}`, order.message, {
            vm: facts.vm,
            moveId: facts.moveId,
          });
          break;
        case "ended":
          this.#ended(entry, order.end, nowMs);
          break;
      }
    }
  }

  #journal(entry: MoveEntry, order: Extract<MoveOrder, { type: "journal" }>, nowMs: number): void {
    const { vm, moveId } = entry.move.facts;
    const lines = [journalEntry(journalKeys.move(moveId), order.line ?? undefined)];
    if (order.owner.kind === "disown") {
      this.#options.guests.disown(vm);
      lines.push(journalEntry(journalKeys.vm(vm), undefined));
    } else if (order.owner.kind === "own") {
      lines.push(this.#own(entry, order.owner.version, nowMs));
    }
    this.#outbox.persist(lines);
    if (order.line) {
      const { phase, role } = order.line;
      this.#outbox.notice("info", "move-phase", `${vm}: ${role} ${phase}`, {
        vm,
        moveId,
        phase,
        role,
      });
    }
    this.#options.changed(nowMs);
  }

  #own(entry: MoveEntry, version: number, nowMs: number): JournalEntry {
    const { facts } = entry.move;
    const { guests, ledger, planning } = this.#options;
    const known = guests.get(facts.vm);
    // The same again is no fall: an operator may repeat a decision that a restart has kept.
    assert(!known || version >= known.owned.version, "an owner version never falls");
    const base = known?.owned ?? newOwnedVm(facts.spec, version, "running");
    const owned = { ...base, version, recentMoves: facts.recentMoves };
    const guest = guests.own(owned, entry.load, nowMs);
    if (!known) {
      // From here on the VM counts as ours, and no longer as promised to us.
      ledger.release(facts.moveId);
      guest.copy = "received";
      guest.lastMoveMs = nowMs;
      guest.cooldownUntilMs = nowMs + coolDownMs(facts.recentMoves, planning);
    }
    return journalEntry(journalKeys.vm(facts.vm), owned);
  }

  #ended(entry: MoveEntry, end: MoveEnd, nowMs: number): void {
    const { facts } = entry.move;
    const { guests, ledger, history, self, nameOf } = this.#options;
    this.table.remove(facts.moveId);
    ledger.release(facts.moveId);
    const guest = guests.get(facts.vm);
    if (guest && end.result === "lost") guest.lost = true;
    if (guest?.unclosedMove === facts.moveId) guest.unclosedMove = null;
    if (guest && end.result !== "moved") this.#restAfterFailure(guest, nowMs);
    const source = isSource(entry);
    if (end.result !== "moved") this.#movesFailed += 1;
    else if (source) {
      this.#movesOut += 1;
      this.#options.departed(facts.spec, facts.peer, nowMs);
    } else this.#movesIn += 1;
    const outcome: MoveOutcome = {
      moveId: facts.moveId,
      vm: facts.vm,
      from: source ? self.options.self : facts.peer,
      to: source ? facts.peer : self.options.self,
      reason: facts.reason,
      gain: facts.gain,
      cost: facts.cost,
      result: end.result,
      detail: end.detail.slice(0, 300),
      endedAtMs: Math.round(nowMs + self.wallOffsetMs),
      durationMs: Math.round(nowMs - entry.startedAtMs),
      downtimeMs: end.downtimeMs === null ? null : Math.round(end.downtimeMs),
      transferredBytes: end.transferredBytes,
    };
    this.#outbox.persist([history.add(outcome)]);
    const [from, to] = [nameOf(outcome.from), nameOf(outcome.to)];
    this.#outbox.notice(
      end.result === "moved" ? "info" : end.result === "lost" ? "error" : "warn",
      "move-ended",
      `${facts.vm}: ${end.result} ${from} -> ${to} (${facts.reason})${end.detail === "" ? "" : `: ${end.detail}`}`,
      {
        vm: facts.vm,
        moveId: facts.moveId,
        from,
        to,
        result: end.result,
        reason: facts.reason,
        durationMs: outcome.durationMs,
        downtimeMs: outcome.downtimeMs,
        transferredBytes: outcome.transferredBytes,
      },
    );
    this.#options.changed(nowMs);
  }

  /** What failed once may fail again: the balancer tries others first. */
  #restAfterFailure(guest: Guest, nowMs: number): void {
    const restMs = Math.min(failureRestMsMax, failureRestMs * 2 ** guest.failedMoves);
    guest.failedMoves = Math.min(guest.failedMoves + 1, 16);
    guest.cooldownUntilMs = Math.max(guest.cooldownUntilMs, nowMs + restMs);
  }

  /** How often the VM will have moved in a row, once it has moved again. */
  recentMovesNext(vm: VmName, nowMs: number): number {
    const guest = this.#options.guests.get(vm);
    if (!guest) return 0;
    const since = guest.lastMoveMs === undefined ? undefined : nowMs - guest.lastMoveMs;
    return recentMovesAfter(guest.owned.recentMoves, since, this.#options.planning);
  }
}

/** We gave the VM away or took it back long ago, or it has come back: the target may forget. */
function isOver({ moveId, answer }: TargetAnswerMessage, guest: Guest | undefined): boolean {
  if (answer === "held") return false;
  if (answer === "refused" || guest === undefined) return true;
  return guest.owned.version > (readMoveId(moveId)?.version ?? 0);
}
