import { assert, assertNever } from "../base/assert.ts";
import { earliestMs } from "../base/earliest.ts";
import type { HostOpName, HostOpResult, MoveVerdict, TransferLimits } from "../model/host-op.ts";
import type { SourceAnswer, TargetAnswer } from "../wire/messages.ts";
import { Asking } from "./asking.ts";
import type { MoveFacts, SourceLine, SourcePhase } from "./move-line.ts";
import type { MoveEnd, MoveInput, MoveOrder, OwnerChange } from "./move-order.ts";
import { OrderSheet } from "./order-sheet.ts";
import type { MoveParams } from "./params.ts";
import { type SourceDecision, type SourceStage, SourceTransfer } from "./source-transfer.ts";
import { TargetPromise } from "./target-promise.ts";
import { verdictOf } from "./verdict-of.ts";

export interface SourceMoveOptions {
  readonly facts: MoveFacts;
  readonly addresses: readonly string[];
  readonly limits: TransferLimits;
  readonly params: MoveParams;
}

/**
 * The source's half of a move: the coordinator of the two-phase commit. SourceTransfer
 * leads to the decision; this keeps it: one durable line says commit or abort, and after
 * `committed` only the target's durable `refused` gives the VM back. Never lets the copy run while
 * the target's might.
 */
export class SourceMove {
  readonly facts: MoveFacts;
  readonly #params: MoveParams;
  readonly #sheet: OrderSheet;
  readonly #asking: Asking;
  readonly #transfer: SourceTransfer;
  #phase: SourcePhase = "transferring";
  readonly #promise: TargetPromise;
  #reason = "";
  /** The target has no record of a move that we committed: nobody may run it. */
  #unknownAnswer = false;
  /** After a restart in `aborted`: the hypervisor is asked whether the copy runs already. */
  #judging = false;
  #downtimeMs: number | null = null;

  constructor(options: SourceMoveOptions, line?: SourceLine) {
    const { facts, params } = options;
    this.facts = facts;
    this.#params = params;
    this.#sheet = new OrderSheet(facts);
    this.#asking = new Asking(params);
    this.#transfer = new SourceTransfer({ ...options, sheet: this.#sheet, asking: this.#asking });
    this.#promise = new TargetPromise(line !== undefined);
    if (line) this.#phase = line.phase;
  }

  get phase(): SourcePhase {
    return this.#phase;
  }

  /** For people: the phase, and within `transferring` the stage. */
  get stage(): SourceStage | SourcePhase {
    return this.#phase === "transferring" ? this.#transfer.stage : this.#phase;
  }

  /** True while the guest runs here, as far as this end knows. */
  get guestRuns(): boolean {
    return this.unclosed || (this.#phase === "transferring" && this.#transfer.guestRuns);
  }

  /**
   * True while the guest runs on here and the target has not promised to hold nothing: an operator
   * there may be told that this host is off, and run it. So it must not go on to a third host.
   */
  get unclosed(): boolean {
    return this.#phase === "takenBack";
  }

  /** True once nothing is left to do here: the move only waits for the target's promise. */
  get onlyRemembered(): boolean {
    return this.unclosed;
  }

  /** True once nothing but the other end, or the operator, can decide, and it stays silent. */
  inDoubt(nowMs: number): boolean {
    if (this.#phase === "committed" && this.#unknownAnswer) return true;
    const undecided = this.#phase === "transferring" || this.#phase === "committed";
    if (this.guestRuns || !(undecided || this.#judging)) return false;
    return this.#asking.silentMs(nowMs) > this.#params.doubtMs;
  }

  /** A move can be cancelled until the vote has committed it. */
  get cancellable(): boolean {
    return this.#phase === "transferring" && this.#transfer.stage !== "forward";
  }

  get nextTimeoutMs(): number | undefined {
    const deadline = this.#phase === "transferring" ? this.#transfer.deadlineMs : undefined;
    return earliestMs(this.#asking.nextMs, deadline);
  }

  /** First orders of a granted move: the line is durable before the target hears of it. */
  begin(nowMs: number): MoveOrder[] {
    this.#journal("transferring");
    this.#transfer.begin(nowMs);
    return this.#sheet.take();
  }

  /** Takes one fact and returns what to do, in order. Facts that no longer matter do nothing. */
  handle(input: MoveInput, nowMs: number): MoveOrder[] {
    this.#promise.hear(input);
    if (input.type === "message" && input.message.type === "query") this.#answer();
    else if (input.type === "restored") this.#onRestored(nowMs);
    else if (input.type === "resolved") this.#onResolved(input.decision);
    else if (input.type === "reachable") this.#onReachable(nowMs);
    else if (this.#phase === "transferring") {
      if (input.type === "message") this.#asking.heard(nowMs);
      const decision = this.#transfer.handle(input, nowMs);
      if (decision) this.#decide(decision, nowMs);
    } else this.#afterDecision(input, nowMs);
    return this.#sheet.take();
  }

  #decide(decision: SourceDecision, nowMs: number): void {
    switch (decision.kind) {
      case "commit":
        this.#commit(nowMs);
        return;
      case "abort":
        this.#abort(decision, nowMs);
        return;
      case "lose":
        this.#lose(decision.reason);
        return;
      case "discard":
        this.#discard(nowMs);
        return;
      default:
        assertNever(decision);
    }
  }

  #commit(nowMs: number): void {
    assert(this.#phase === "transferring", "a move is committed once");
    assert(!this.#transfer.guestRuns, "no copy here runs at the commit");
    this.#journal("committed");
    this.#sheet.send({ type: "commit", moveId: this.facts.moveId });
    this.#asking.begin(nowMs, this.#params.askMsMin);
  }

  #abort(decision: Extract<SourceDecision, { kind: "abort" }>, nowMs: number): void {
    this.#reason = decision.reason;
    this.#journal("aborted");
    this.#sendAbort();
    if (decision.copyPaused) this.#takeBack();
    else this.#runsOn(nowMs);
  }

  #sendAbort(): void {
    this.#sheet.send({ type: "abort", moveId: this.facts.moveId, reason: this.#reason });
  }

  /** A target that has forgotten the move answers a question, but not an abort. */
  #ask(): void {
    this.#sheet.send({ type: "query", moveId: this.facts.moveId, asker: "source" });
  }

  /** The guest runs here again: over, or kept until the target's copy is known to be none. */
  #runsOn(nowMs: number): void {
    if (!this.#promise.isOwed(this.#transfer.mayHaveSent)) {
      this.#end("aborted", this.#reason);
      return;
    }
    this.#journal("takenBack");
    this.#sheet.run({ op: "closeChannel", moveId: this.facts.moveId });
    this.#asking.begin(nowMs, this.#params.askMsMin);
  }

  /** Lets the paused copy run again; the line stays `aborted` until it does. */
  #takeBack(): void {
    this.#asking.stop();
    this.#sheet.runPlain("takeBack");
  }

  #afterDecision(input: MoveInput, nowMs: number): void {
    if (input.type === "opEnded") this.#onOpEnded(input.op, input.result, nowMs);
    else if (input.type === "timeout") this.#onTimeout(nowMs);
    else if (input.type === "message" && input.message.type === "held") {
      this.#onTargetAnswer("held", "", nowMs);
    } else if (input.type === "message" && input.message.type === "targetAnswer") {
      this.#onTargetAnswer(input.message.answer, input.message.detail, nowMs);
    }
  }

  #onTargetAnswer(answer: TargetAnswer, detail: string, nowMs: number): void {
    this.#asking.heard(nowMs);
    if (this.#phase === "committed") this.#onAnswerToCommit(answer, detail, nowMs);
    else if (this.#phase === "discarding") return;
    else if (answer === "held" || (answer === "busy" && this.unclosed)) this.#sendAbort();
    else if (answer === "refused") {
      this.#sheet.send({ type: "close", moveId: this.facts.moveId });
      if (this.unclosed) this.#end("aborted", this.#reason);
    } else if (!this.unclosed || answer === "busy") return;
    else if (answer === "unknown") this.#end("aborted", this.#reason);
    else this.#onRunsThere();
  }

  /** By an operator's word, with this host named as fenced: nothing is left to wait for. */
  #onRunsThere(): void {
    this.#sheet.warn("duplicate", "the target runs it by an operator's word while it runs here");
    this.#end("aborted", this.#reason);
  }

  #onAnswerToCommit(answer: TargetAnswer, detail: string, nowMs: number): void {
    switch (answer) {
      case "held":
      case "busy":
        this.#sheet.send({ type: "commit", moveId: this.facts.moveId });
        return;
      case "running":
      case "ran":
        if (answer === "ran") this.#sheet.warn("ran", "ran at the target and has stopped since");
        this.#discard(nowMs);
        return;
      case "refused":
        this.#reason = detail === "" ? "the target refused after the commit" : detail;
        this.#journal("aborted", { kind: "own", version: this.facts.version + 2 });
        // The target keeps its promise for us to hear; now that we have, it may forget the move.
        this.#sheet.send({ type: "close", moveId: this.facts.moveId });
        this.#takeBack();
        return;
      case "unknown":
        if (!this.#unknownAnswer) {
          this.#sheet.warn("in-doubt", "the target has no record of it: neither copy may run");
        }
        this.#unknownAnswer = true;
        return;
      default:
        assertNever(answer);
    }
  }

  #onOpEnded(op: HostOpName, result: HostOpResult, nowMs: number): void {
    if (op === "takeBack") this.#onTakenBack(result, nowMs);
    else if (op === "discard") this.#onDiscarded(result, nowMs);
    else if (op === "start") this.#onStarted(result);
    else if (op === "moveVerdict" && this.#judging) this.#onVerdict(verdictOf(result), nowMs);
  }

  /** Restarted in `aborted`: does the copy run already, or does it still have to be let run? */
  #onVerdict(verdict: MoveVerdict, nowMs: number): void {
    this.#judging = false;
    if (verdict === "open") this.#takeBack();
    else if (verdict === "gone") this.#lose("its copy was gone when the move was aborted");
    else if (verdict === "aborted") this.#runsOn(nowMs);
    else {
      this.#judging = true;
      this.#asking.again(nowMs, this.#params.askMsMax);
    }
  }

  #onTakenBack(result: HostOpResult, nowMs: number): void {
    if (this.#phase !== "aborted") return;
    if (result.ok) this.#runsOn(nowMs);
    else if (result.code === "VM_ABSENT") this.#lose(result.message);
    else {
      this.#sheet.warn("take-back", result.message);
      this.#asking.again(nowMs, this.#params.askMsMin);
    }
  }

  #onTimeout(nowMs: number): void {
    if (!this.#asking.due(nowMs)) return;
    if (this.#phase === "committed") {
      this.#sheet.send({ type: "commit", moveId: this.facts.moveId });
    } else if (this.unclosed) this.#ask();
    else if (this.#phase !== "aborted") this.#sheet.runPlain("discard");
    else if (this.#judging) this.#sheet.runPlain("moveVerdict");
    else this.#sheet.runPlain("takeBack");
  }

  #onRestored(nowMs: number): void {
    this.#reason = "the source's agent was restarted during the move";
    switch (this.#phase) {
      case "transferring":
        this.#transfer.restore();
        return;
      case "committed":
        this.#sheet.send({ type: "commit", moveId: this.facts.moveId });
        this.#asking.begin(nowMs, this.#params.askMsMin);
        return;
      case "aborted":
        this.#judging = true;
        this.#sheet.runPlain("moveVerdict");
        return;
      case "takenBack":
        this.#ask();
        this.#asking.begin(nowMs, this.#params.askMsMin);
        return;
      case "discarding":
      case "rebooting":
        this.#sheet.runPlain("discard");
        return;
      default:
        assertNever(this.#phase);
    }
  }

  #onReachable(nowMs: number): void {
    if (this.#asking.nextMs === undefined) return;
    this.#asking.begin(nowMs, 0);
    if (this.#phase === "transferring") this.#transfer.handle({ type: "timeout" }, nowMs);
    else this.#onTimeout(nowMs);
  }

  #discard(nowMs: number): void {
    const { pausedSinceMs } = this.#transfer;
    if (pausedSinceMs !== undefined) this.#downtimeMs = nowMs - pausedSinceMs;
    this.#asking.stop();
    this.#journal("discarding", { kind: "disown" });
    this.#sheet.runPlain("discard");
  }

  #onDiscarded(result: HostOpResult, nowMs: number): void {
    if (this.#phase !== "discarding" && this.#phase !== "rebooting") return;
    if (!result.ok) {
      this.#sheet.warn("discard", result.message);
      this.#asking.again(nowMs, this.#params.askMsMax);
    } else if (this.#phase === "discarding") {
      this.#sheet.send({ type: "close", moveId: this.facts.moveId });
      this.#end("moved", "");
    } else {
      this.#asking.stop();
      this.#sheet.run({ op: "start", spec: this.facts.spec });
    }
  }

  #onStarted(result: HostOpResult): void {
    if (this.#phase !== "rebooting") return;
    if (!result.ok) this.#sheet.warn("start", result.message);
    this.#end(result.ok ? "resolved" : "lost", this.#reason);
  }

  /** The operator vouches that the other end is off: the only way past a silent peer. */
  #onResolved(decision: "run-here" | "discard"): void {
    this.#promise.vouch();
    if (this.unclosed && decision === "run-here") this.#end("aborted", "closed by the operator");
    if (this.guestRuns || this.#phase === "discarding" || this.#phase === "rebooting") return;
    this.#asking.stop();
    this.#judging = false;
    if (decision === "discard") {
      this.#journal("discarding", { kind: "disown" });
      this.#sheet.runPlain("discard");
      return;
    }
    this.#reason = "resolved by the operator: run here";
    const owner = { kind: "own", version: this.facts.version + 2 } as const;
    if (this.facts.spec.disks.length === 0) {
      this.#journal("aborted", owner);
      this.#takeBack();
      return;
    }
    // The other copy may have written to the disk: old memory never meets it, so boot anew.
    this.#journal("rebooting", owner);
    this.#sheet.runPlain("discard");
  }

  #answer(): void {
    const { moveId } = this.facts;
    this.#sheet.send({ type: "sourceAnswer", moveId, answer: sourceAnswerOf(this.#phase) });
  }

  #lose(detail: string): void {
    this.#sheet.warn("lost", `lost: ${detail}`);
    // Nobody is left to ask for the target's promise: it need not be kept.
    this.#sheet.send({ type: "close", moveId: this.facts.moveId });
    this.#end("lost", detail);
  }

  #end(result: MoveEnd["result"], detail: string): void {
    this.#asking.stop();
    this.#sheet.journal(null);
    const { transferredBytes } = this.#transfer;
    this.#sheet.end({ result, detail, downtimeMs: this.#downtimeMs, transferredBytes });
  }

  #journal(phase: SourcePhase, owner?: OwnerChange): void {
    this.#phase = phase;
    this.#sheet.journal({ ...this.facts, role: "source", phase }, owner);
  }
}

function sourceAnswerOf(phase: SourcePhase): SourceAnswer {
  if (phase === "transferring") return "open";
  if (phase === "rebooting" || phase === "takenBack") return "aborted";
  return phase === "discarding" ? "closed" : phase;
}
