import { assert, assertNever } from "../base/assert.ts";
import { earliestMs } from "../base/earliest.ts";
import type { HostOpName, HostOpResult } from "../model/host-op.ts";
import type { MoveMessage, SourceAnswer, TargetAnswer } from "../wire/messages.ts";
import { Asking } from "./asking.ts";
import { Discarding } from "./discarding.ts";
import type { MoveFacts, TargetLine, TargetPhase } from "./move-line.ts";
import type { MoveInput, MoveOrder, OwnerChange } from "./move-order.ts";
import { OrderSheet } from "./order-sheet.ts";
import type { MoveParams } from "./params.ts";
import { TargetReception } from "./target-reception.ts";
import { verdictOf } from "./verdict-of.ts";

export interface TargetMoveOptions {
  readonly facts: MoveFacts;
  readonly params: MoveParams;
}

/** Longest reason that is kept in the journal and told to the source. */
const detailLengthMax = 200;

/**
 * The target's half of a move: the participant of the two-phase commit. TargetReception
 * leads to the vote; from then on this only does what the source's journal says. `refused` is a
 * promise that this copy never ran and never will.
 */
export class TargetMove {
  readonly facts: MoveFacts;
  readonly #params: MoveParams;
  readonly #sheet: OrderSheet;
  readonly #asking: Asking;
  readonly #reception: TargetReception;
  readonly #discarding = new Discarding();
  #phase: TargetPhase | "granted" = "granted";
  #detail = "";
  /** The guest is known to run here, or to have run. */
  #settled = false;
  /** It may have run already, and does not run now. */
  #ran = false;
  #sourceUnknown = false;
  #closed = false;
  #discarded = false;
  #forgetAtMs: number | undefined;

  constructor(options: TargetMoveOptions, line?: TargetLine) {
    const { facts, params } = options;
    this.facts = facts;
    this.#params = params;
    this.#sheet = new OrderSheet(facts);
    this.#asking = new Asking(params);
    const begun = () => this.#journal("receiving");
    const shared = { facts, params, sheet: this.#sheet, asking: this.#asking };
    this.#reception = new TargetReception({ ...shared, discarding: this.#discarding, begun });
    if (line) {
      this.#phase = line.phase;
      this.#detail = line.detail;
    }
  }

  get phase(): TargetPhase | "granted" {
    return this.#phase;
  }

  /** True while a slot and memory are held for a copy that is not yet a VM of this host. */
  get reserves(): boolean {
    if (this.#phase === "refused") return !this.#discarded;
    return this.#phase === "granted" || this.#phase === "receiving" || this.#phase === "held";
  }

  /** True once nothing is left to do here: the move only waits for the source to close it. */
  get onlyRemembered(): boolean {
    return this.#settled || this.#discarded;
  }

  /** True while it runs here and the source has not said that it needs no more of this end. */
  get unclosed(): boolean {
    return this.#phase === "running" && this.#settled;
  }

  inDoubt(nowMs: number): boolean {
    if (this.#phase !== "held") return false;
    return this.#sourceUnknown || this.#asking.silentMs(nowMs) > this.#params.doubtMs;
  }

  get nextTimeoutMs(): number | undefined {
    const deadline = this.#receives ? this.#reception.deadlineMs : this.#forgetAtMs;
    return earliestMs(this.#asking.nextMs, deadline);
  }

  /** First orders: say yes, and hold the reservation for a bounded time. */
  grant(nowMs: number): MoveOrder[] {
    this.#reception.grant(nowMs);
    return this.#sheet.take();
  }

  /** Takes one fact and returns what to do, in order. Facts that no longer matter do nothing. */
  handle(input: MoveInput, nowMs: number): MoveOrder[] {
    if (input.type === "message" && input.message.type === "query") this.#answer();
    else if (input.type === "restored") this.#onRestored(nowMs);
    else if (input.type === "resolved") this.#onResolved(input.decision);
    else if (input.type === "reachable") this.#onReachable(nowMs);
    else if (this.#receives) this.#receive(input, nowMs);
    else this.#afterReception(input, nowMs);
    return this.#sheet.take();
  }

  get #receives(): boolean {
    return this.#phase === "granted" || this.#phase === "receiving";
  }

  #receive(input: MoveInput, nowMs: number): void {
    if (input.type === "message") this.#asking.heard(nowMs);
    const decision = this.#reception.handle(input, nowMs);
    if (decision?.kind === "hold") this.#hold(nowMs);
    else if (decision?.kind === "refuse") this.#refuse(decision.detail);
    else if (decision?.kind === "lapse") this.#end("aborted", decision.detail);
  }

  #hold(nowMs: number): void {
    this.#journal("held");
    this.#sheet.send({ type: "held", moveId: this.facts.moveId });
    this.#asking.begin(nowMs, this.#params.askMsMin);
  }

  #afterReception(input: MoveInput, nowMs: number): void {
    switch (input.type) {
      case "message":
        this.#onMessage(input.message, nowMs);
        return;
      case "opEnded":
        this.#onOpEnded(input.op, input.result, nowMs);
        return;
      case "copyListed":
        if (input.state === null) this.#onCopyGone();
        return;
      case "timeout":
        this.#onTimeout(nowMs);
        return;
      case "woken":
        if (this.#phase === "held") this.#sheet.runPlain("moveVerdict");
        return;
      default:
        return;
    }
  }

  #onMessage(message: MoveMessage, nowMs: number): void {
    switch (message.type) {
      case "commit":
        this.#onSourceAnswer("committed", nowMs);
        return;
      case "sourceAnswer":
        this.#onSourceAnswer(message.answer, nowMs);
        return;
      case "abort":
        if (this.#phase === "held") this.#refuse(`the source aborted: ${message.reason}`);
        else this.#answer();
        return;
      case "close":
        this.#onClose();
        return;
      default:
        return;
    }
  }

  #onSourceAnswer(answer: SourceAnswer, nowMs: number): void {
    this.#asking.heard(nowMs);
    if (this.#phase === "held") this.#onAnswerToVote(answer);
    else if (this.#phase === "refused" || this.#phase === "rebooting") this.#answer();
    else if (this.#settled) {
      // The source has discarded its copy; `unknown`: so long ago that it forgot.
      if (answer === "closed" || answer === "unknown") this.#end("moved", "");
      else this.#answer();
    }
  }

  #onAnswerToVote(answer: SourceAnswer): void {
    switch (answer) {
      case "open":
        this.#sheet.send({ type: "held", moveId: this.facts.moveId });
        return;
      case "committed":
        this.#own();
        return;
      case "aborted":
        this.#refuse("the source aborted");
        return;
      case "closed":
      case "unknown":
        if (!this.#sourceUnknown) {
          this.#sheet.warn("in-doubt", "the source has no record of it: this copy stays paused");
        }
        this.#sourceUnknown = true;
        return;
      default:
        assertNever(answer);
    }
  }

  /** The source's journal gave the VM away: from this durable line on it is ours. */
  #own(): void {
    assert(this.#phase === "held", "only a held copy becomes the VM");
    this.#asking.stop();
    this.#journal("running", { kind: "own", version: this.facts.version + 1 });
    this.#sheet.runPlain("runIncoming");
  }

  #onOpEnded(op: HostOpName, result: HostOpResult, nowMs: number): void {
    if (op === "runIncoming") this.#onRun(result, nowMs);
    else if (op === "moveVerdict") this.#onVerdict(verdictOf(result), nowMs);
    else if (op === "discard") this.#onDiscarded(result, nowMs);
    else if (op === "start") this.#onStarted(result);
    else if (op === "prepareIncoming") this.#discarding.made(this.#sheet);
  }

  #onRun(result: HostOpResult, nowMs: number): void {
    if (this.#phase !== "running" || this.#settled) return;
    if (result.ok) {
      this.#ran = false;
      this.#settle(nowMs);
    } else if (result.code === "VM_ABSENT" && !this.#ran) {
      // Gone before it was ever told to run: the source's copy is still the VM.
      this.#detail = result.message;
      this.#refuseLine({ kind: "disown" });
    } else {
      this.#ran = true;
      this.#sheet.warn("run", result.message);
      this.#asking.again(nowMs, this.#params.askMsMin);
    }
  }

  /** Tells the source, and asks until it says that it needs no more of this end. */
  #settle(nowMs: number): void {
    this.#settled = true;
    this.#answer();
    this.#asking.begin(nowMs, this.#params.askMsMax);
  }

  /** After a restart or a late wake-up: is the copy that the journal names still there? */
  #onVerdict(verdict: ReturnType<typeof verdictOf>, nowMs: number): void {
    if (this.#phase === "held" && verdict === "gone") this.#refuse("the held copy is gone");
    if (this.#phase !== "running" || this.#settled) return;
    // "aborted" is a copy that runs: the agent died between the run and the answer.
    if (verdict === "gone") this.#ran = true;
    if (verdict === "aborted") this.#ran = false;
    if (verdict === "aborted" || verdict === "gone") this.#settle(nowMs);
    else if (verdict === "open") this.#sheet.runPlain("runIncoming");
    else this.#asking.again(nowMs, this.#params.askMsMin);
  }

  #onCopyGone(): void {
    if (this.#phase === "held") this.#refuse("the held copy is gone");
    else if (this.#phase === "running" && this.#settled) this.#ran = true;
  }

  #refuse(detail: string): void {
    this.#detail = detail.slice(0, detailLengthMax);
    this.#refuseLine();
  }

  /** The promise is durable first; the copy, which can only be paused, is killed after it. */
  #refuseLine(owner?: OwnerChange): void {
    assert(!this.#settled, "what runs cannot be refused");
    this.#asking.stop();
    this.#journal("refused", owner);
    this.#answer();
    this.#sheet.run({ op: "closeChannel", moveId: this.facts.moveId });
    this.#discarding.order(this.#sheet);
  }

  #onDiscarded(result: HostOpResult, nowMs: number): void {
    if (this.#phase !== "refused" && this.#phase !== "rebooting") return;
    if (!result.ok) {
      this.#sheet.warn("discard", result.message);
      this.#asking.again(nowMs, this.#params.askMsMax);
      return;
    }
    this.#asking.stop();
    if (!this.#discarding.succeeded(this.#sheet)) return;
    if (this.#phase === "rebooting") {
      this.#sheet.run({ op: "start", spec: this.facts.spec });
      return;
    }
    this.#discarded = true;
    if (this.#closed) this.#end("aborted", this.#detail);
    // The source may still ask; it is told for as long as it could have a reason to.
    else this.#forgetAtMs = nowMs + this.#params.keepMs;
  }

  #onStarted(result: HostOpResult): void {
    if (this.#phase !== "rebooting") return;
    if (!result.ok) this.#sheet.warn("start", result.message);
    this.#end(result.ok ? "resolved" : "lost", this.#detail);
  }

  #onClose(): void {
    if (this.#phase === "refused" && !this.#discarded) this.#closed = true;
    else if (this.#phase === "refused") this.#end("aborted", this.#detail);
    else if (this.#phase === "running" && this.#settled) this.#end("moved", "");
  }

  #onTimeout(nowMs: number): void {
    const forgets = this.#forgetAtMs !== undefined && nowMs >= this.#forgetAtMs;
    if (forgets) this.#end("aborted", this.#detail);
    if (forgets || !this.#asking.due(nowMs)) return;
    if (this.#phase === "refused" || this.#phase === "rebooting") this.#sheet.runPlain("discard");
    else if (this.#phase === "running" && !this.#settled) this.#sheet.runPlain("moveVerdict");
    else this.#sheet.send({ type: "query", moveId: this.facts.moveId, asker: "target" });
  }

  #onRestored(nowMs: number): void {
    switch (this.#phase) {
      case "receiving":
        // The channel died with the agent, so the stream broke; a copy that got all of it anyway
        // was not voted for, and is not worth the doubt.
        this.#refuse("the target's agent was restarted during the transfer");
        return;
      case "held":
        this.#sheet.runPlain("moveVerdict");
        this.#sheet.send({ type: "query", moveId: this.facts.moveId, asker: "target" });
        this.#asking.begin(nowMs, this.#params.askMsMin);
        return;
      case "running":
        this.#sheet.runPlain("moveVerdict");
        return;
      case "refused":
      case "rebooting":
        this.#answer();
        this.#sheet.runPlain("discard");
        return;
      default:
        return;
    }
  }

  #onReachable(nowMs: number): void {
    if (this.#asking.nextMs === undefined) return;
    this.#asking.begin(nowMs, 0);
    this.#onTimeout(nowMs);
  }

  #onResolved(decision: "run-here" | "discard"): void {
    // The source is off for good: nobody is left to close the move, and the VM is free again.
    if (this.unclosed && decision === "run-here") this.#end("moved", "closed by the operator");
    if (this.#phase !== "held") return;
    if (decision === "discard") {
      this.#refuse("resolved by the operator: discarded");
      return;
    }
    this.#detail = "resolved by the operator: run here";
    if (this.facts.spec.disks.length === 0) {
      this.#own();
      return;
    }
    // The source may have written to the disk since: old memory never meets it, so boot anew.
    this.#asking.stop();
    this.#journal("rebooting", { kind: "own", version: this.facts.version + 1 });
    this.#sheet.runPlain("discard");
  }

  /** Tells the source what this journal says; a copy that is being started says nothing yet. */
  #answer(): void {
    const answer = this.#answerNow();
    if (answer === undefined) return;
    const detail = answer === "refused" ? this.#detail : "";
    this.#sheet.send({ type: "targetAnswer", moveId: this.facts.moveId, answer, detail });
  }

  #answerNow(): TargetAnswer | undefined {
    switch (this.#phase) {
      case "granted":
      case "receiving":
        return "busy";
      case "held":
        return "held";
      case "refused":
        return "refused";
      case "running":
        if (!this.#settled) return undefined;
        return this.#ran ? "ran" : "running";
      case "rebooting":
        return "ran";
      default:
        return assertNever(this.#phase);
    }
  }

  #end(result: "moved" | "aborted" | "resolved" | "lost", detail: string): void {
    this.#asking.stop();
    this.#forgetAtMs = undefined;
    if (this.#phase !== "granted") this.#sheet.journal(null);
    this.#sheet.end({ result, detail, downtimeMs: null, transferredBytes: 0 });
  }

  #journal(phase: TargetPhase, owner?: OwnerChange): void {
    this.#phase = phase;
    this.#sheet.journal({ ...this.facts, role: "target", phase, detail: this.#detail }, owner);
  }
}
