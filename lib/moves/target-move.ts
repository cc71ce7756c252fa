import { assert, assertNever } from "../base/assert.ts";
import type { HostOpName, HostOpResult, HostOpValues } from "../model/host-op.ts";
import type { MoveMessage, SourceAnswer, TargetAnswer } from "../wire/messages.ts";
import { Asking } from "./asking.ts";
import type { MoveFacts, TargetLine, TargetPhase } from "./move-line.ts";
import type { MoveInput, MoveOrder, OwnerChange } from "./move-order.ts";
import type { MoveParams } from "./params.ts";

export interface TargetMoveOptions {
  readonly facts: MoveFacts;
  readonly params: MoveParams;
}

const keep: OwnerChange = { kind: "keep" };

/**
 * The target's half of a move: the participant of the two-phase commit (DESIGN 6). It votes once
 * its copy is whole and its journal says so; from then on it only does what the source's journal
 * says. `refused` is a promise that this copy never ran and never will.
 */
export class TargetMove {
  readonly facts: MoveFacts;
  readonly #params: MoveParams;
  readonly #asking: Asking;
  #phase: TargetPhase | "granted" = "granted";
  #deadlineMs: number | undefined;
  /** True once the guest is known to run here. */
  #runs = false;
  #ran = false;
  #closed = false;
  #discarded = false;
  #coldStart = false;
  #sourceUnknown = false;
  #detail = "";
  #orders: MoveOrder[] = [];

  constructor(options: TargetMoveOptions, line?: TargetLine) {
    this.facts = options.facts;
    this.#params = options.params;
    this.#asking = new Asking(options.params);
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
    return this.#phase === "granted" || this.#phase === "receiving" || this.#phase === "held";
  }

  /** True once the guest runs here, or ran: the move only waits for the source to close it. */
  get settled(): boolean {
    return this.#runs;
  }

  inDoubt(nowMs: number): boolean {
    if (this.#phase !== "held") return false;
    return this.#sourceUnknown || this.#asking.silentMs(nowMs) > this.#params.doubtMs;
  }

  get nextTimeoutMs(): number | undefined {
    const asking = this.#asking.nextMs;
    if (this.#deadlineMs === undefined) return asking;
    return asking === undefined ? this.#deadlineMs : Math.min(asking, this.#deadlineMs);
  }

  /** First orders: say yes, and hold the reservation for a bounded time. */
  grant(nowMs: number): MoveOrder[] {
    this.#deadlineMs = nowMs + this.#params.grantMs;
    this.#send({ type: "grant", moveId: this.facts.moveId });
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
        if (input.state === null) this.#onCopyGone();
        break;
      case "timeout":
        this.#onTimeout(nowMs);
        break;
      case "restored":
        this.#onRestored(nowMs);
        break;
      case "woken":
        if (this.#phase === "held") this.#askVerdict();
        break;
      case "reachable":
        if (this.#asking.nextMs !== undefined) this.#asking.begin(nowMs, 0);
        this.#onTimeout(nowMs);
        break;
      case "abortAsked":
        if (this.#phase === "granted" || this.#phase === "receiving") this.#refuse(input.reason);
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
      case "begin":
        this.#onBegin(nowMs);
        return;
      case "commit":
        this.#onSourceAnswer("committed", nowMs);
        return;
      case "abort":
        this.#onAbort(message.reason);
        return;
      case "sourceAnswer":
        this.#onSourceAnswer(message.answer, nowMs);
        return;
      case "query":
        this.#answer();
        return;
      case "close":
        this.#onClose();
        return;
      default:
        return;
    }
  }

  #onBegin(nowMs: number): void {
    if (this.#phase !== "granted") return;
    this.#deadlineMs = nowMs + this.#params.silenceMs;
    this.#journal("receiving", keep);
    this.#run({
      op: "prepareIncoming",
      moveId: this.facts.moveId,
      spec: this.facts.spec,
      source: this.facts.peer,
    });
    this.#asking.begin(nowMs, this.#params.askMsMax);
  }

  #onAbort(reason: string): void {
    if (this.#phase === "granted") this.#end("aborted", reason);
    else if (this.#phase === "receiving" || this.#phase === "held") {
      this.#refuse(`the source aborted: ${reason}`);
    } else this.#answer();
  }

  #onSourceAnswer(answer: SourceAnswer, nowMs: number): void {
    this.#asking.heard(nowMs);
    if (this.#phase === "receiving") {
      this.#deadlineMs = nowMs + this.#params.silenceMs;
      if (answer !== "open") this.#refuse(`the source says ${answer}`);
      return;
    }
    if (this.#phase !== "held") {
      if (this.#phase === "running" && this.#runs) {
        // The source has discarded its copy; `unknown`: so long ago that it forgot.
        if (answer === "closed" || answer === "unknown") this.#end("moved", "");
        else this.#answer();
      } else if (this.#phase === "refused") this.#answer();
      return;
    }
    switch (answer) {
      case "open":
        this.#send({ type: "held", moveId: this.facts.moveId });
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
          this.#warn("in-doubt", "the source has no record of it: this copy stays paused");
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
    this.#deadlineMs = undefined;
    this.#journal("running", { kind: "own", version: this.facts.version + 1 });
    this.#runIncoming();
  }

  #runIncoming(): void {
    this.#run({ op: "runIncoming", moveId: this.facts.moveId, vm: this.facts.vm });
  }

  #onOpEnded(op: HostOpName, result: HostOpResult, nowMs: number): void {
    switch (op) {
      case "prepareIncoming":
        if (this.#phase !== "receiving") return;
        if (result.ok) {
          this.#run({ op: "listenChannel", moveId: this.facts.moveId, vm: this.facts.vm });
        } else this.#refuse(result.message);
        return;
      case "listenChannel":
        this.#onListening(result);
        return;
      case "awaitIncoming":
        this.#onReceived(result, nowMs);
        return;
      case "runIncoming":
        this.#onRun(result, nowMs);
        return;
      case "moveVerdict":
        this.#onVerdict(result, nowMs);
        return;
      case "discard":
        this.#onDiscarded(result, nowMs);
        return;
      case "start":
        this.#runs = result.ok;
        this.#end("resolved", this.#detail);
        return;
      default:
        return;
    }
  }

  #onListening(result: HostOpResult): void {
    if (this.#phase !== "receiving") return;
    if (!result.ok) {
      this.#refuse(result.message);
      return;
    }
    const { port, address } = result.value as HostOpValues["listenChannel"];
    const { moveId } = this.facts;
    this.#send({ type: "ready", moveId, channelPort: port, channelAddress: address });
    this.#run({ op: "awaitIncoming", moveId: this.facts.moveId, vm: this.facts.vm });
  }

  #onReceived(result: HostOpResult, nowMs: number): void {
    if (this.#phase !== "receiving") return;
    if (!result.ok) {
      this.#refuse(result.message);
      return;
    }
    this.#hold(nowMs);
  }

  #hold(nowMs: number): void {
    this.#deadlineMs = undefined;
    this.#journal("held", keep);
    this.#send({ type: "held", moveId: this.facts.moveId });
    this.#asking.begin(nowMs, this.#params.askMsMin);
  }

  #onRun(result: HostOpResult, nowMs: number): void {
    if (this.#phase !== "running" || this.#runs) return;
    if (result.ok) {
      this.#runs = true;
      this.#tellRunning(nowMs);
    } else if (result.code === "VM_ABSENT" && !this.#ran) {
      // Gone before it was ever told to run: the source's copy is still the VM.
      this.#detail = result.message;
      this.#refuseLine({ kind: "disown" });
    } else {
      this.#ran = true;
      this.#warn("run", result.message);
      this.#asking.begin(nowMs, this.#params.askMsMin);
    }
  }

  /** Tells the source, and asks until it says that it needs no more of this end. */
  #tellRunning(nowMs: number): void {
    this.#answer();
    this.#asking.begin(nowMs, this.#params.askMsMax);
  }

  /** Only asked after a restart or a late wake-up: is the copy that the journal names still there? */
  #askVerdict(): void {
    this.#run({ op: "moveVerdict", moveId: this.facts.moveId, vm: this.facts.vm });
  }

  #onVerdict(result: HostOpResult, nowMs: number): void {
    const verdict = result.ok
      ? (result.value as { verdict: string }).verdict
      : ("in-doubt" as const);
    if (this.#phase === "held" && verdict === "gone") this.#refuse("the held copy is gone");
    if (this.#phase !== "running" || this.#runs) return;
    if (verdict === "aborted") {
      // It runs: the agent died between the run and the answer.
      this.#runs = true;
      this.#tellRunning(nowMs);
    } else if (verdict === "gone") {
      this.#ran = true;
      this.#runs = true;
      this.#tellRunning(nowMs);
    } else if (verdict === "open") this.#runIncoming();
    else this.#asking.begin(nowMs, this.#params.askMsMin);
  }

  #onCopyGone(): void {
    if (this.#phase === "held") this.#refuse("the held copy is gone");
    else if (this.#phase === "running" && this.#runs) this.#ran = true;
  }

  #refuse(detail: string): void {
    this.#detail = detail;
    if (this.#phase === "granted") {
      this.#end("aborted", detail);
      return;
    }
    this.#refuseLine(keep);
  }

  /** The promise is durable first; the copy, which can only be paused, is killed after it. */
  #refuseLine(owner: OwnerChange): void {
    assert(!this.#runs, "what runs cannot be refused");
    this.#deadlineMs = undefined;
    this.#asking.stop();
    this.#journal("refused", owner);
    this.#answer();
    this.#run({ op: "closeChannel", moveId: this.facts.moveId });
    this.#run({ op: "discard", moveId: this.facts.moveId, vm: this.facts.vm });
  }

  #onDiscarded(result: HostOpResult, nowMs: number): void {
    if (this.#coldStart) {
      this.#run({ op: "start", spec: this.facts.spec });
      return;
    }
    if (this.#phase !== "refused") return;
    if (!result.ok) {
      this.#warn("discard", result.message);
      this.#asking.begin(nowMs, this.#params.askMsMax);
      return;
    }
    this.#discarded = true;
    if (this.#closed) {
      this.#end("aborted", this.#detail);
      return;
    }
    // The source may still ask; it is told for as long as it could have a reason to.
    this.#deadlineMs = nowMs + this.#params.keepMs;
  }

  #onClose(): void {
    if (this.#phase === "refused" && !this.#discarded) this.#closed = true;
    else if (this.#phase === "refused") this.#end("aborted", this.#detail);
    else if (this.#phase === "running" && this.#runs) this.#end("moved", "");
  }

  #onTimeout(nowMs: number): void {
    if (this.#deadlineMs !== undefined && nowMs >= this.#deadlineMs) {
      this.#deadlineMs = undefined;
      if (this.#phase === "granted") this.#end("aborted", "the grant lapsed");
      else if (this.#phase === "receiving") this.#refuse("the source stayed silent");
      else if (this.#phase === "refused") this.#end("aborted", this.#detail);
      return;
    }
    if (!this.#asking.due(nowMs)) return;
    if (this.#phase === "refused") {
      this.#run({ op: "discard", moveId: this.facts.moveId, vm: this.facts.vm });
    } else if (this.#phase === "running" && !this.#runs) this.#askVerdict();
    else this.#send({ type: "query", moveId: this.facts.moveId, asker: "target" });
  }

  #onRestored(nowMs: number): void {
    switch (this.#phase) {
      case "receiving":
        // The channel died with the agent, so the stream broke; a copy that got all of it anyway
        // was not voted for, and is not worth the doubt.
        this.#refuse("the target's agent was restarted during the transfer");
        return;
      case "held":
        this.#askVerdict();
        this.#send({ type: "query", moveId: this.facts.moveId, asker: "target" });
        this.#asking.begin(nowMs, this.#params.askMsMin);
        return;
      case "running":
        this.#askVerdict();
        return;
      case "refused":
        this.#answer();
        this.#run({ op: "discard", moveId: this.facts.moveId, vm: this.facts.vm });
        return;
      default:
        return;
    }
  }

  #onResolved(decision: "run-here" | "discard"): void {
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
    this.#coldStart = true;
    this.#journal("running", { kind: "own", version: this.facts.version + 1 });
    this.#ran = true;
    this.#run({ op: "discard", moveId: this.facts.moveId, vm: this.facts.vm });
  }

  /** Tells the source what this journal says; a copy that is being started says nothing yet. */
  #answer(): void {
    const answer = this.#answerNow();
    if (answer === undefined) return;
    this.#send({
      type: "targetAnswer",
      moveId: this.facts.moveId,
      answer,
      detail: answer === "refused" ? this.#detail : "",
    });
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
        if (!this.#runs) return undefined;
        return this.#ran ? "ran" : "running";
      default:
        return assertNever(this.#phase);
    }
  }

  #end(result: "moved" | "aborted" | "resolved", detail: string): void {
    this.#asking.stop();
    this.#deadlineMs = undefined;
    if (this.#phase !== "granted") {
      this.#orders.push({ type: "journal", line: null, owner: keep });
    }
    this.#run({ op: "closeChannel", moveId: this.facts.moveId });
    this.#orders.push({
      type: "ended",
      end: { result, detail, downtimeMs: null, transferredBytes: 0 },
    });
  }

  #journal(phase: TargetPhase, owner: OwnerChange): void {
    this.#phase = phase;
    this.#orders.push({
      type: "journal",
      line: { ...this.facts, role: "target", phase, detail: this.#detail.slice(0, 200) },
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
