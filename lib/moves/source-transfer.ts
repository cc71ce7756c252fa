import { assertNever } from "../base/assert.ts";
import type {
  HostOpName,
  HostOpResult,
  HostOpValues,
  MoveVerdict,
  TransferLimits,
} from "../model/host-op.ts";
import type { MoveMessage, ReadyMessage, TargetAnswer } from "../wire/messages.ts";
import type { Asking } from "./asking.ts";
import type { MoveFacts } from "./move-line.ts";
import type { MoveInput } from "./move-order.ts";
import type { OrderSheet } from "./order-sheet.ts";
import type { MoveParams } from "./params.ts";
import { verdictOf } from "./verdict-of.ts";

/**
 * Where a source is within `transferring`, which its journal cannot tell apart:
 * - beginning, connecting, streaming: the guest runs here.
 * - sent: the copy is paused and whole; the vote decides.
 * - judging: the hypervisor is asked what it left, before anything is decided.
 * - forward: there is no copy here any more; only the target's may live.
 */
export type SourceStage = "beginning" | "connecting" | "streaming" | "sent" | "judging" | "forward";

/** What a transfer comes to; it decides once, and the source's journal keeps it. */
export type SourceDecision =
  | { readonly kind: "commit" }
  | { readonly kind: "abort"; readonly copyPaused: boolean; readonly reason: string }
  | { readonly kind: "lose"; readonly reason: string }
  /** The target runs it by an operator's word: ours must never run again. */
  | { readonly kind: "discard" };

export interface SourceTransferOptions {
  readonly facts: MoveFacts;
  readonly addresses: readonly string[];
  readonly limits: TransferLimits;
  readonly params: MoveParams;
  readonly sheet: OrderSheet;
  readonly asking: Asking;
}

/** The source's part up to its decision: begin, stream, wait for the vote, or find out what is left. */
export class SourceTransfer {
  readonly #options: SourceTransferOptions;
  readonly #sheet: OrderSheet;
  readonly #asking: Asking;
  readonly #params: MoveParams;
  #stage: SourceStage = "beginning";
  #deadlineMs: number | undefined;
  #voteAtMs: number | undefined;
  #abortReason: string | undefined;
  #forwardSinceMs = 0;
  /** The channel is being closed, before it is judged what is left. */
  #cuttingOff = false;
  #pausedSinceMs: number | undefined;
  #transferredBytes = 0;
  #mayHaveSent = false;

  constructor(options: SourceTransferOptions) {
    this.#options = options;
    this.#sheet = options.sheet;
    this.#asking = options.asking;
    this.#params = options.params;
  }

  get stage(): SourceStage {
    return this.#stage;
  }

  get guestRuns(): boolean {
    return (
      this.#stage === "beginning" || this.#stage === "connecting" || this.#stage === "streaming"
    );
  }

  get deadlineMs(): number | undefined {
    return this.#deadlineMs;
  }

  /** True once bytes may have gone: the target may hold a whole copy, whatever was seen here. */
  get mayHaveSent(): boolean {
    return this.#mayHaveSent;
  }

  /** Since when the guest has stood still here; undefined while it runs. */
  get pausedSinceMs(): number | undefined {
    return this.#pausedSinceMs;
  }

  get transferredBytes(): number {
    return this.#transferredBytes;
  }

  begin(nowMs: number): void {
    this.#sheet.send({ type: "begin", moveId: this.#options.facts.moveId });
    this.#deadlineMs = nowMs + this.#params.readyMs;
  }

  /** After a restart of the agent: nothing of the transfer is known but that it began. */
  restore(): void {
    this.#judge("the source's agent was restarted during the move");
  }

  handle(input: MoveInput, nowMs: number): SourceDecision | null {
    switch (input.type) {
      case "message":
        return this.#onMessage(input.message, nowMs);
      case "opEnded":
        return this.#onOpEnded(input.op, input.result, nowMs);
      case "copyListed":
        return input.state === null ? this.#onCopyGone(nowMs) : null;
      case "timeout":
        this.#onTimeout(nowMs);
        return null;
      case "woken":
        // Seconds may have passed unnoticed: an old vote and an old look count for nothing.
        this.#voteAtMs = undefined;
        if (this.#stage === "sent") this.#askVerdict();
        return null;
      case "abortAsked":
        if (this.#stage !== "forward") this.#abort(input.reason);
        return null;
      default:
        return null;
    }
  }

  #onMessage(message: MoveMessage, nowMs: number): SourceDecision | null {
    switch (message.type) {
      case "ready":
        if (this.#stage === "beginning") this.#connect(message);
        return null;
      case "held":
        return this.#onAnswer("held", "", nowMs);
      case "targetAnswer":
        return this.#onAnswer(message.answer, message.detail, nowMs);
      default:
        return null;
    }
  }

  #connect(ready: ReadyMessage): void {
    const { facts, addresses } = this.#options;
    const { moveId, vm, peer } = facts;
    this.#stage = "connecting";
    this.#sheet.run({
      op: "connectChannel",
      moveId,
      vm,
      target: peer,
      addresses: ready.channelAddress === null ? addresses : [ready.channelAddress],
      port: ready.channelPort,
    });
  }

  #onAnswer(answer: TargetAnswer, detail: string, nowMs: number): SourceDecision | null {
    switch (answer) {
      case "held":
        this.#voteAtMs = nowMs;
        return this.#stage === "sent" || this.#stage === "forward" ? { kind: "commit" } : null;
      case "busy":
        return this.#onBusy(nowMs);
      case "refused":
      case "unknown":
        if (this.#stage === "forward") {
          return { kind: "lose", reason: `the copy here is gone, the target answered ${answer}` };
        }
        this.#abort(detail === "" ? `the target answered ${answer}` : detail);
        return null;
      case "running":
      case "ran":
        return this.#onRunsThere();
      default:
        return assertNever(answer);
    }
  }

  /** A target that still waits for a stream that nobody can send any more. */
  #onBusy(nowMs: number): SourceDecision | null {
    const waited = nowMs - this.#forwardSinceMs;
    if (this.#stage !== "forward" || waited <= this.#params.readyMs) return null;
    const { moveId } = this.#options.facts;
    this.#sheet.send({ type: "abort", moveId, reason: "the guest is gone" });
    return { kind: "lose", reason: "the guest ended before it was sent" };
  }

  #onRunsThere(): SourceDecision | null {
    if (!this.guestRuns) return { kind: "discard" };
    this.#sheet.warn("duplicate", "the target runs it by an operator's word while it runs here");
    this.#abort("the target runs it by an operator's word");
    return null;
  }

  #onOpEnded(op: HostOpName, result: HostOpResult, nowMs: number): SourceDecision | null {
    if (op === "connectChannel") this.#onConnected(result);
    else if (op === "migrateOut") return this.#onMigrated(result, nowMs);
    else if (op === "closeChannel") this.#onCutOff();
    else if (op === "moveVerdict") return this.#onVerdict(verdictOf(result), nowMs);
    return null;
  }

  #onConnected(result: HostOpResult): void {
    if (this.#stage !== "connecting") return;
    if (!result.ok) {
      this.#abort(result.message);
      return;
    }
    const { facts, limits } = this.#options;
    this.#stage = "streaming";
    this.#mayHaveSent = true;
    this.#deadlineMs = undefined;
    this.#sheet.run({ op: "migrateOut", moveId: facts.moveId, vm: facts.vm, limits });
  }

  #onMigrated(result: HostOpResult, nowMs: number): SourceDecision | null {
    if (this.#stage !== "streaming") return null;
    if (!result.ok) {
      // An order that was not answered may still be carried out: without a channel it comes to nothing.
      if (result.code === "TIMED_OUT") this.#cutOff(result.message, nowMs);
      else this.#judge(result.message);
      return null;
    }
    const value = result.value as HostOpValues["migrateOut"];
    this.#transferredBytes = value.transferredBytes;
    this.#pausedSinceMs = nowMs - value.pausedForMs;
    if (value.end === "handed") return this.#handed();
    if (this.#abortReason === undefined) return this.#awaitVote(nowMs);
    this.#judge(this.#abortReason);
    return null;
  }

  /** The hypervisor itself gave the copy away: the verdict is read, not chosen (libvirt). */
  #handed(): SourceDecision {
    this.#stage = "forward";
    return { kind: "commit" };
  }

  #awaitVote(nowMs: number): SourceDecision | null {
    this.#stage = "sent";
    if (this.#voteIsFresh(nowMs)) return { kind: "commit" };
    this.#deadlineMs = nowMs + this.#params.voteMs;
    this.#ask(nowMs);
    return null;
  }

  #voteIsFresh(nowMs: number): boolean {
    return this.#voteAtMs !== undefined && nowMs - this.#voteAtMs <= this.#params.voteFreshMs;
  }

  /** Stops the transfer, if any, and reads what is left before deciding anything. */
  #abort(reason: string): void {
    if (this.#abortReason !== undefined) return;
    this.#abortReason = reason;
    // The end of migrateOut brings the verdict; cancelling a finished transfer does nothing.
    if (this.#stage === "streaming") this.#sheet.runPlain("cancelMigration");
    else if (this.#stage !== "judging") this.#judge(reason);
  }

  #onCutOff(): void {
    if (this.#stage !== "judging" || !this.#cuttingOff) return;
    this.#cuttingOff = false;
    this.#askVerdict();
  }

  #cutOff(reason: string, nowMs: number): void {
    this.#cuttingOff = true;
    this.#abortReason ??= reason;
    this.#stage = "judging";
    this.#deadlineMs = undefined;
    this.#sheet.run({ op: "closeChannel", moveId: this.#options.facts.moveId });
    this.#asking.again(nowMs, this.#params.askMsMax);
  }

  #judge(reason: string): void {
    this.#abortReason ??= reason;
    this.#askVerdict();
  }

  #askVerdict(): void {
    this.#stage = "judging";
    this.#deadlineMs = undefined;
    this.#sheet.runPlain("moveVerdict");
  }

  #onVerdict(verdict: MoveVerdict, nowMs: number): SourceDecision | null {
    if (this.#stage !== "judging") return null;
    switch (verdict) {
      case "open":
        if (this.#abortReason === undefined) return this.#awaitVote(nowMs);
        return { kind: "abort", copyPaused: true, reason: this.#abortReason };
      case "aborted": {
        const reason = this.#abortReason ?? "the guest was found running";
        return { kind: "abort", copyPaused: false, reason };
      }
      case "gone":
        return this.#onGone(nowMs);
      case "committed":
        return this.#handed();
      case "in-doubt":
        this.#asking.again(nowMs, this.#params.askMsMax);
        return null;
      default:
        return assertNever(verdict);
    }
  }

  /**
   * Only a copy that was seen sent, and so paused, cannot have run on. One that ended unseen may
   * have: the target's memory could be older than what the guest has written to its disk since.
   */
  #onGone(nowMs: number): SourceDecision | null {
    if (this.#pausedSinceMs !== undefined) return this.#goForward(nowMs);
    return { kind: "lose", reason: "the guest ended, and was not seen to be sent before" };
  }

  /** There is no copy here: if the target's is whole, it is the VM now. */
  #goForward(nowMs: number): SourceDecision | null {
    this.#stage = "forward";
    this.#deadlineMs = undefined;
    this.#forwardSinceMs = nowMs;
    // Whatever the target still waits for cannot come: its stream must end for it to decide.
    this.#sheet.run({ op: "closeChannel", moveId: this.#options.facts.moveId });
    if (this.#voteIsFresh(nowMs)) return { kind: "commit" };
    this.#ask(nowMs);
    return null;
  }

  #ask(nowMs: number): void {
    this.#sheet.send({ type: "query", moveId: this.#options.facts.moveId, asker: "source" });
    this.#asking.begin(nowMs, this.#params.askMsMin);
  }

  #onCopyGone(nowMs: number): SourceDecision | null {
    if (this.#stage === "sent") return this.#goForward(nowMs);
    if (this.#stage === "beginning" || this.#stage === "connecting") {
      this.#judge("the guest ended");
    }
    return null;
  }

  #onTimeout(nowMs: number): void {
    if (this.#deadlineMs !== undefined && nowMs >= this.#deadlineMs) {
      this.#deadlineMs = undefined;
      const missed = this.#stage === "sent" ? "no vote came" : "the target was not ready";
      this.#judge(`${missed} in time`);
      return;
    }
    if (!this.#asking.due(nowMs)) return;
    if (this.#stage === "judging") this.#askVerdict();
    else {
      this.#sheet.send({ type: "query", moveId: this.#options.facts.moveId, asker: "source" });
    }
  }
}
