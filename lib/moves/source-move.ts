import { assert, assertNever } from "../base/assert.ts";
import type { HostOpName, HostOpResult, MoveVerdict, TransferLimits } from "../model/host-op.ts";
import type { MoveMessage, SourceAnswer, TargetAnswer } from "../wire/messages.ts";
import { Asking } from "./asking.ts";
import type { MoveFacts, SourceLine, SourcePhase } from "./move-line.ts";
import type { MoveInput, MoveOrder, OwnerChange } from "./move-order.ts";
import type { MoveParams } from "./params.ts";

/**
 * Where a source is within `transferring`, the phase that its journal cannot tell apart:
 * - beginning, connecting, streaming: the guest runs here.
 * - sent: the copy is paused and whole; the vote decides.
 * - judging: the hypervisor is asked what it left, before anything is decided.
 * - forward: there is no copy here any more; only the target's may live.
 */
export type SourceStage =
  | "beginning"
  | "connecting"
  | "streaming"
  | "sent"
  | "judging"
  | "forward"
  | "settling";

export interface SourceMoveOptions {
  readonly facts: MoveFacts;
  readonly addresses: readonly string[];
  readonly limits: TransferLimits;
  readonly params: MoveParams;
}

const keep: OwnerChange = { kind: "keep" };

/**
 * The source's half of a move: the coordinator of the two-phase commit (DESIGN 6). It alone decides
 * between commit and abort, once, by a durable line; after `committed` only the target's durable
 * `refused` gives the VM back. Never lets the copy run while the target's might.
 */
export class SourceMove {
  readonly facts: MoveFacts;
  readonly #addresses: readonly string[];
  readonly #limits: TransferLimits;
  readonly #params: MoveParams;
  readonly #asking: Asking;
  #phase: SourcePhase = "transferring";
  #stage: SourceStage = "beginning";
  #deadlineMs: number | undefined;
  #voteAtMs: number | undefined;
  #abortReason: string | undefined;
  #coldStart = false;
  #forwardSinceMs = 0;
  #unknownAnswer = false;
  #pausedSinceMs: number | undefined;
  #transferredBytes = 0;
  #downtimeMs: number | null = null;
  #orders: MoveOrder[] = [];

  constructor(options: SourceMoveOptions, line?: SourceLine) {
    this.facts = options.facts;
    this.#addresses = options.addresses;
    this.#limits = options.limits;
    this.#params = options.params;
    this.#asking = new Asking(options.params);
    if (line) this.#phase = line.phase;
  }

  get phase(): SourcePhase {
    return this.#phase;
  }

  get stage(): SourceStage {
    return this.#stage;
  }

  /** True while the guest runs here, as far as this end knows. */
  get guestRuns(): boolean {
    return (
      this.#phase === "transferring" &&
      (this.#stage === "beginning" || this.#stage === "connecting" || this.#stage === "streaming")
    );
  }

  /** True once nothing but the other end, or the operator, can decide, and it stays silent. */
  inDoubt(nowMs: number): boolean {
    if (this.#unknownAnswer) return true;
    return !this.guestRuns && this.#asking.silentMs(nowMs) > this.#params.doubtMs;
  }

  /** A move can be cancelled until the vote has committed it. */
  get cancellable(): boolean {
    return this.#phase === "transferring" && this.#stage !== "forward";
  }

  get nextTimeoutMs(): number | undefined {
    const asking = this.#asking.nextMs;
    if (this.#deadlineMs === undefined) return asking;
    return asking === undefined ? this.#deadlineMs : Math.min(asking, this.#deadlineMs);
  }

  /** First orders of a granted move: the line is durable before the target hears of it. */
  begin(nowMs: number): MoveOrder[] {
    this.#journal("transferring", keep);
    this.#send({ type: "begin", moveId: this.facts.moveId });
    this.#deadlineMs = nowMs + this.#params.readyMs;
    return this.#taken();
  }

  /** Takes one fact and returns what to do, in order. Facts that no longer matter do nothing. */
  handle(input: MoveInput, nowMs: number): MoveOrder[] {
    switch (input.type) {
      case "message":
        this.#onMessage(input.message, nowMs);
        break;
      case "opEnded":
        this.#onOpEnded(input.op, input.result, nowMs);
        break;
      case "copyListed":
        if (input.state === null) this.#onCopyGone(nowMs);
        break;
      case "timeout":
        this.#onTimeout(nowMs);
        break;
      case "restored":
        this.#onRestored(nowMs);
        break;
      case "woken":
        this.#onWoken();
        break;
      case "reachable":
        if (this.#asking.nextMs !== undefined) this.#asking.begin(nowMs, 0);
        this.#onTimeout(nowMs);
        break;
      case "abortAsked":
        if (this.cancellable) this.#abort(input.reason);
        break;
      case "resolved":
        this.#onResolved(input.decision);
        break;
      default:
        assertNever(input);
    }
    return this.#taken();
  }

  #onMessage(message: MoveMessage, nowMs: number): void {
    switch (message.type) {
      case "ready":
        if (this.#phase !== "transferring" || this.#stage !== "beginning") return;
        this.#stage = "connecting";
        this.#run({
          op: "connectChannel",
          moveId: this.facts.moveId,
          vm: this.facts.vm,
          target: this.facts.peer,
          addresses: message.channelAddress === null ? this.#addresses : [message.channelAddress],
          port: message.channelPort,
        });
        return;
      case "held":
        this.#onTargetAnswer("held", "", nowMs);
        return;
      case "targetAnswer":
        this.#onTargetAnswer(message.answer, message.detail, nowMs);
        return;
      case "query":
        this.#send({
          type: "sourceAnswer",
          moveId: this.facts.moveId,
          answer: sourceAnswerOf(this.#phase),
        });
        return;
      default:
        return;
    }
  }

  #onTargetAnswer(answer: TargetAnswer, detail: string, nowMs: number): void {
    this.#asking.heard(nowMs);
    if (this.#phase === "transferring") this.#onAnswerBeforeCommit(answer, detail, nowMs);
    else if (this.#phase === "committed") this.#onAnswerAfterCommit(answer, detail, nowMs);
    else if (this.#phase === "aborted" && answer === "held") {
      this.#send({ type: "abort", moveId: this.facts.moveId, reason: this.#abortReason ?? "" });
    }
  }

  #onAnswerBeforeCommit(answer: TargetAnswer, detail: string, nowMs: number): void {
    switch (answer) {
      case "held":
        this.#voteAtMs = nowMs;
        if (this.#stage === "sent" || this.#stage === "forward") this.#commit(nowMs);
        return;
      case "busy":
        if (this.#stage === "forward" && nowMs - this.#forwardSinceMs > this.#params.readyMs) {
          this.#send({ type: "abort", moveId: this.facts.moveId, reason: "the guest is gone" });
          this.#lose("the guest ended before it was sent");
        }
        return;
      case "refused":
      case "unknown":
        if (this.#stage === "forward") this.#lose(`the copy here is gone, the target ${answer} it`);
        else this.#abort(detail === "" ? `the target answered ${answer}` : detail);
        return;
      case "running":
      case "ran":
        // Only an operator's word at the target leads here: ours must then never run again.
        if (this.guestRuns) {
          this.#warn("duplicate", "the target runs it by an operator's word while it runs here");
          this.#abort("the target runs it by an operator's word");
        } else this.#discard(nowMs);
        return;
      default:
        assertNever(answer);
    }
  }

  #onAnswerAfterCommit(answer: TargetAnswer, detail: string, nowMs: number): void {
    switch (answer) {
      case "held":
      case "busy":
        this.#send({ type: "commit", moveId: this.facts.moveId });
        return;
      case "running":
      case "ran":
        if (answer === "ran") this.#warn("ran", "ran at the target and has stopped since");
        this.#discard(nowMs);
        return;
      case "refused":
        this.#abortReason = detail === "" ? "the target refused after the commit" : detail;
        this.#journal("aborted", { kind: "own", version: this.facts.version + 2 });
        this.#settle();
        return;
      case "unknown":
        if (!this.#unknownAnswer) {
          this.#warn("in-doubt", "the target has no record of it: neither copy may run");
        }
        this.#unknownAnswer = true;
        return;
      default:
        assertNever(answer);
    }
  }

  #onOpEnded(op: HostOpName, result: HostOpResult, nowMs: number): void {
    switch (op) {
      case "connectChannel":
        this.#onConnected(result);
        return;
      case "migrateOut":
        this.#onMigrated(result, nowMs);
        return;
      case "moveVerdict":
        this.#onVerdict(verdictOf(result), nowMs);
        return;
      case "takeBack":
        this.#onTakenBack(result, nowMs);
        return;
      case "discard":
        this.#onDiscarded(result, nowMs);
        return;
      case "start":
        this.#end(result.ok ? "resolved" : "lost", this.#abortReason ?? "");
        return;
      default:
        return;
    }
  }

  #onConnected(result: HostOpResult): void {
    if (this.#phase !== "transferring" || this.#stage !== "connecting") return;
    if (!result.ok) {
      this.#abort(result.message);
      return;
    }
    this.#stage = "streaming";
    this.#deadlineMs = undefined;
    this.#run({
      op: "migrateOut",
      moveId: this.facts.moveId,
      vm: this.facts.vm,
      limits: this.#limits,
    });
  }

  #onMigrated(result: HostOpResult, nowMs: number): void {
    if (this.#phase !== "transferring" || this.#stage !== "streaming") return;
    if (!result.ok) {
      this.#judge(result.message);
      return;
    }
    const value = result.value as { end: string; transferredBytes: number; pausedForMs: number };
    this.#transferredBytes = value.transferredBytes;
    this.#pausedSinceMs = nowMs - value.pausedForMs;
    if (value.end === "handed") {
      this.#stage = "forward";
      this.#commitLine(nowMs);
    } else if (this.#abortReason !== undefined) this.#judge(this.#abortReason);
    else this.#awaitVote(nowMs);
  }

  #awaitVote(nowMs: number): void {
    this.#stage = "sent";
    if (this.#voteIsFresh(nowMs)) {
      this.#commit(nowMs);
      return;
    }
    this.#deadlineMs = nowMs + this.#params.voteMs;
    this.#ask(nowMs);
  }

  #voteIsFresh(nowMs: number): boolean {
    return this.#voteAtMs !== undefined && nowMs - this.#voteAtMs <= this.#params.voteFreshMs;
  }

  #commit(nowMs: number): void {
    assert(this.#voteIsFresh(nowMs), "a commit stands on a fresh vote");
    this.#commitLine(nowMs);
  }

  #commitLine(nowMs: number): void {
    assert(this.#phase === "transferring", "a move is committed once");
    assert(this.#stage === "sent" || this.#stage === "forward", "no copy here runs at the commit");
    this.#deadlineMs = undefined;
    this.#journal("committed", keep);
    this.#send({ type: "commit", moveId: this.facts.moveId });
    this.#asking.begin(nowMs, this.#params.askMsMin);
  }

  /** Stops the transfer, if any, and reads what is left before deciding anything. */
  #abort(reason: string): void {
    if (this.#phase !== "transferring" || this.#abortReason !== undefined) return;
    this.#abortReason = reason;
    if (this.#stage === "streaming") {
      // The end of migrateOut brings the verdict; cancelling a finished transfer does nothing.
      this.#run({ op: "cancelMigration", moveId: this.facts.moveId, vm: this.facts.vm });
    } else if (this.#stage !== "judging") this.#judge(reason);
  }

  #judge(reason: string): void {
    this.#abortReason ??= reason;
    this.#askVerdict();
  }

  #askVerdict(): void {
    this.#stage = "judging";
    this.#deadlineMs = undefined;
    this.#run({ op: "moveVerdict", moveId: this.facts.moveId, vm: this.facts.vm });
  }

  #onVerdict(verdict: MoveVerdict, nowMs: number): void {
    if (this.#stage !== "judging") return;
    if (this.#phase === "aborted") {
      if (verdict === "open") this.#settle();
      else if (verdict === "gone") this.#lose("its copy was gone when the move was aborted");
      else if (verdict === "aborted") this.#end("failed", this.#abortReason ?? "");
      else this.#asking.begin(nowMs, this.#params.askMsMax);
      return;
    }
    if (this.#phase !== "transferring") return;
    switch (verdict) {
      case "open":
        if (this.#abortReason === undefined) this.#awaitVote(nowMs);
        else this.#abortLine(true);
        return;
      case "aborted":
        this.#abortReason ??= "the guest was found running";
        this.#abortLine(false);
        return;
      case "gone":
        this.#goForward(nowMs);
        return;
      case "committed":
        this.#stage = "forward";
        this.#commitLine(nowMs);
        return;
      case "in-doubt":
        this.#asking.begin(nowMs, this.#params.askMsMax);
        return;
      default:
        assertNever(verdict);
    }
  }

  #abortLine(paused: boolean): void {
    this.#journal("aborted", keep);
    this.#send({
      type: "abort",
      moveId: this.facts.moveId,
      reason: this.#abortReason ?? "aborted",
    });
    if (paused) this.#settle();
    else this.#end("aborted", this.#abortReason ?? "");
  }

  /** Lets the paused copy run again; the line stays `aborted` until it does. */
  #settle(): void {
    this.#stage = "settling";
    this.#asking.stop();
    this.#run({ op: "takeBack", moveId: this.facts.moveId, vm: this.facts.vm });
  }

  #onTakenBack(result: HostOpResult, nowMs: number): void {
    if (this.#phase !== "aborted" || this.#stage !== "settling") return;
    if (result.ok) this.#end("aborted", this.#abortReason ?? "");
    else if (result.code === "VM_ABSENT") this.#lose(result.message);
    else {
      this.#warn("take-back", result.message);
      this.#asking.begin(nowMs, this.#params.askMsMin);
    }
  }

  /** There is no copy here: if the target's is whole, it is the VM now. */
  #goForward(nowMs: number): void {
    this.#stage = "forward";
    this.#deadlineMs = undefined;
    this.#forwardSinceMs = nowMs;
    // Whatever the target still waits for cannot come: its stream must end for it to decide.
    this.#run({ op: "closeChannel", moveId: this.facts.moveId });
    if (this.#voteIsFresh(nowMs)) this.#commit(nowMs);
    else this.#ask(nowMs);
  }

  #ask(nowMs: number): void {
    this.#send({ type: "query", moveId: this.facts.moveId, asker: "source" });
    this.#asking.begin(nowMs, this.#params.askMsMin);
  }

  #onCopyGone(nowMs: number): void {
    if (this.#phase === "aborted" && this.#stage === "settling") return;
    if (this.#phase !== "transferring") return;
    if (this.#stage === "sent") this.#goForward(nowMs);
    else if (this.#stage === "beginning" || this.#stage === "connecting") {
      this.#judge("the guest ended");
    }
  }

  #onTimeout(nowMs: number): void {
    if (this.#deadlineMs !== undefined && nowMs >= this.#deadlineMs) {
      this.#deadlineMs = undefined;
      const missed = this.#stage === "sent" ? "no vote came" : "the target was not ready";
      this.#judge(`${missed} in time`);
      return;
    }
    if (!this.#asking.due(nowMs)) return;
    if (this.#phase === "committed") {
      this.#send({ type: "commit", moveId: this.facts.moveId });
    } else if (this.#phase === "discarding") this.#runDiscard();
    else if (this.#stage === "judging") this.#askVerdict();
    else if (this.#phase === "aborted") this.#settle();
    else this.#send({ type: "query", moveId: this.facts.moveId, asker: "source" });
  }

  #onRestored(nowMs: number): void {
    const reason = "the source's agent was restarted during the move";
    if (this.#phase === "committed") {
      this.#send({ type: "commit", moveId: this.facts.moveId });
      this.#asking.begin(nowMs, this.#params.askMsMin);
    } else if (this.#phase === "discarding") this.#runDiscard();
    else this.#judge(reason);
  }

  /** Seconds may have passed unnoticed: an old vote and an old look at the copy count for nothing. */
  #onWoken(): void {
    this.#voteAtMs = undefined;
    if (this.#phase === "transferring" && this.#stage === "sent") this.#askVerdict();
  }

  #discard(nowMs: number): void {
    if (this.#pausedSinceMs !== undefined) this.#downtimeMs = nowMs - this.#pausedSinceMs;
    this.#asking.stop();
    this.#journal("discarding", { kind: "disown" });
    this.#runDiscard();
  }

  #runDiscard(): void {
    this.#run({ op: "discard", moveId: this.facts.moveId, vm: this.facts.vm });
  }

  #onDiscarded(result: HostOpResult, nowMs: number): void {
    if (this.#phase === "aborted" && this.#coldStart) {
      this.#run({ op: "start", spec: this.facts.spec });
      return;
    }
    if (this.#phase !== "discarding") return;
    if (result.ok) {
      this.#send({ type: "close", moveId: this.facts.moveId });
      this.#end("moved", "");
      return;
    }
    this.#warn("discard", result.message);
    this.#asking.begin(nowMs, this.#params.askMsMax);
  }

  /** The operator vouches that the other end is off: the only way past a silent peer. */
  #onResolved(decision: "run-here" | "discard"): void {
    if (this.guestRuns || this.#phase === "discarding") return;
    this.#asking.stop();
    this.#deadlineMs = undefined;
    if (decision === "discard") {
      this.#abortReason = "resolved by the operator: discarded";
      this.#journal("discarding", { kind: "disown" });
      this.#runDiscard();
      return;
    }
    this.#abortReason = "resolved by the operator: run here";
    this.#journal("aborted", { kind: "own", version: this.facts.version + 2 });
    if (this.facts.spec.disks.length === 0) this.#settle();
    else {
      // The other copy may have written to the disk: old memory never meets it, so boot anew.
      this.#coldStart = true;
      this.#stage = "settling";
      this.#runDiscard();
    }
  }

  #lose(detail: string): void {
    this.#warn("lost", `lost: ${detail}`);
    this.#end("lost", detail);
  }

  #end(result: "moved" | "aborted" | "failed" | "lost" | "resolved", detail: string): void {
    this.#asking.stop();
    this.#deadlineMs = undefined;
    this.#orders.push({ type: "journal", line: null, owner: keep });
    this.#run({ op: "closeChannel", moveId: this.facts.moveId });
    this.#orders.push({
      type: "ended",
      end: {
        result,
        detail,
        downtimeMs: this.#downtimeMs,
        transferredBytes: this.#transferredBytes,
      },
    });
  }

  #journal(phase: SourcePhase, owner: OwnerChange): void {
    this.#phase = phase;
    this.#orders.push({
      type: "journal",
      line: { ...this.facts, role: "source", phase },
      owner,
    });
  }

  #send(message: MoveMessage): void {
    this.#orders.push({ type: "send", message });
  }

  #run(op: Extract<MoveOrder, { type: "run" }>["op"]): void {
    this.#orders.push({ type: "run", op });
  }

  #warn(code: string, message: string): void {
    this.#orders.push({ type: "warn", code, message: `${this.facts.vm}: ${message}` });
  }

  #taken(): MoveOrder[] {
    const orders = this.#orders;
    this.#orders = [];
    return orders;
  }
}

function sourceAnswerOf(phase: SourcePhase): SourceAnswer {
  if (phase === "transferring") return "open";
  return phase === "discarding" ? "closed" : phase;
}

function verdictOf(result: HostOpResult): MoveVerdict {
  return result.ok ? (result.value as { verdict: MoveVerdict }).verdict : "in-doubt";
}
