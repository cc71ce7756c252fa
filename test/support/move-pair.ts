import type { HostOp, HostOpResult } from "#lib/model/host-op.ts";
import type { MoveInput, MoveOrder } from "#lib/moves/move-order.ts";
import { defaultMoveParams as params } from "#lib/moves/params.ts";
import { presumedSourceAnswer, presumedTargetAnswer } from "#lib/moves/presumed-answer.ts";
import { SourceMove } from "#lib/moves/source-move.ts";
import { TargetMove } from "#lib/moves/target-move.ts";
import type { MoveMessage } from "#lib/wire/messages.ts";
import { factsOf, moveId } from "./move-fixture.ts";
import { newPairHost, no, ok, type PairHost, type PairRole, verdictOn } from "./move-pair-host.ts";

export const pairEvents = [
  "go on",
  "deliver",
  "deliver out of order",
  "lose a message",
  "repeat a message",
  "perform",
  "perform, and fail",
  "perform, and fail to tell",
  "hear a result",
  "finish the stream",
  "break the stream",
  "list",
  "wait",
  "die",
  "die before writing",
  "die after writing",
  "start again",
  "stand still",
  "cancel",
  "kill the source's guest",
  "kill the target's guest",
] as const;
export type PairEvent = (typeof pairEvents)[number];

/** Two halves of one move over a bad network and mortal agents; throws when both copies run. */
export class MovePair {
  readonly #source = newPairHost("source", 7, "running");
  readonly #target = newPairHost("target", undefined, "none");
  #messages: { to: PairRole; message: MoveMessage }[] = [];
  #nowMs = 0;
  #listening = false;
  #connected = false;
  #streaming = false;
  #awaiting = false;
  #targetRan = false;
  wasKilled = false;

  constructor() {
    const limits = { bandwidthBytesPerSecond: 0, downtimeMs: 300, noProgressMs: 30_000 };
    const target = new TargetMove({ facts: factsOf("source"), params });
    const source = new SourceMove({ facts: factsOf("target"), addresses: [], limits, params });
    this.#target.move = target;
    this.#source.move = source;
    this.#obey(this.#target, target.grant(0));
    this.#obey(this.#source, source.begin(0));
  }

  get running(): readonly PairRole[] {
    const hosts = [this.#source, this.#target];
    return hosts.filter(({ copy }) => copy === "running" || copy === "sending").map((h) => h.role);
  }

  get owners(): readonly PairRole[] {
    return [this.#source, this.#target].filter((h) => h.owned !== undefined).map((h) => h.role);
  }

  /** For people and for the last look: where both ends stand. */
  story() {
    const of = ({ copy, line, move, ended, owned }: PairHost) => ({
      ...{ copy, line: line?.phase ?? null, ended, owned },
      phase: move?.phase ?? null,
    });
    const settled = this.#source.move === null && this.#target.move === null;
    return { settled, source: of(this.#source), target: of(this.#target) };
  }

  /** Lets one thing happen; `choice` picks which message, end or operation. */
  happen(event: PairEvent, choice: number): void {
    this.#nowMs += 1;
    const end = choice % 2 === 0 ? this.#source : this.#target;
    const at = this.#messages.length === 0 ? 0 : choice % this.#messages.length;
    const acts: Readonly<Record<PairEvent, () => void>> = {
      "go on": () => this.#goOn(),
      deliver: () => this.#deliver(0),
      "deliver out of order": () => this.#deliver(at),
      "lose a message": () => this.#messages.splice(at, 1),
      "repeat a message": () => this.#messages.push(...this.#messages.slice(at, at + 1)),
      perform: () => this.#perform(end, "well"),
      "perform, and fail": () => this.#perform(end, "badly"),
      "perform, and fail to tell": () => this.#perform(end, "untold"),
      "hear a result": () => this.#hear(end),
      "finish the stream": () => this.#finishStream(),
      "break the stream": () => this.#breakStream(),
      list: () => this.#list(end),
      wait: () => this.#wait(choice * 5),
      die: () => this.#die(end),
      "die before writing": () => this.#dieAtWriting(end, "before"),
      "die after writing": () => this.#dieAtWriting(end, "after"),
      "start again": () => this.#startAgain(end),
      "stand still": () => this.#feed(end, { type: "woken" }),
      cancel: () => this.#feed(this.#source, { type: "abortAsked", reason: "cancelled" }),
      "kill the source's guest": () => this.#kill(this.#source, choice),
      "kill the target's guest": () => this.#kill(this.#target, choice),
    };
    acts[event]();
    this.#check();
  }

  /** Everything works from now on; waits until both ends have forgotten the move. */
  heal(): void {
    for (const end of [this.#source, this.#target]) {
      end.dieAtWriting = null;
      this.#startAgain(end);
    }
    for (let round = 0; round < 500 && !this.story().settled; round += 1) {
      this.#proceed();
      if (!this.#isQuiet()) continue;
      this.#list(this.#source);
      this.#list(this.#target);
      if (this.#isQuiet()) this.#wait(this.#untilNextMs());
    }
  }

  #proceed(): void {
    while (this.#messages.length > 0) this.#deliver(0);
    for (const end of [this.#source, this.#target]) {
      while (end.orders.length > 0) this.#perform(end, "well");
      while (end.results.length > 0) this.#hear(end);
    }
    this.#finishStream();
    this.#check();
  }

  /** One step of what would happen if nothing went wrong. */
  #goOn(): void {
    const ends = [this.#source, this.#target];
    const told = ends.find((end) => end.results.length > 0);
    const asked = ends.find((end) => end.orders.length > 0);
    if (told) this.#hear(told);
    else if (asked) this.#perform(asked, "well");
    else if (this.#messages.length > 0) this.#deliver(0);
    else if (this.#streaming) this.#finishStream();
    else this.#wait(this.#untilNextMs());
  }

  #isQuiet(): boolean {
    const ends = [this.#source, this.#target];
    const idle = ends.every((end) => end.orders.length + end.results.length === 0);
    return idle && this.#messages.length === 0;
  }

  #untilNextMs(): number {
    const times = [this.#source, this.#target].flatMap((end) => end.move?.nextTimeoutMs ?? []);
    return Math.max(0, Math.min(...times, this.#nowMs + 10_000) - this.#nowMs);
  }

  #check(): void {
    if (this.running.length > 1) throw new Error(`two copies run: ${JSON.stringify(this.story())}`);
    if (this.#target.copy === "running") this.#targetRan = true;
  }

  #wait(ms: number): void {
    this.#nowMs += ms;
    for (const end of [this.#source, this.#target]) {
      const at = end.move?.nextTimeoutMs;
      if (at !== undefined && at <= this.#nowMs) this.#feed(end, { type: "timeout" });
    }
  }

  #feed(end: PairHost, input: MoveInput): void {
    if (end.alive && end.move) this.#obey(end, end.move.handle(input, this.#nowMs));
  }

  #obey(end: PairHost, orders: readonly MoveOrder[]): void {
    for (const order of orders) {
      if (!end.alive) return;
      if (order.type === "journal") this.#write(end, order);
      else if (order.type === "send") this.#post(end, order.message);
      else if (order.type === "run") end.orders.push(order.op);
      else if (order.type === "ended") {
        end.move = null;
        end.ended = order.end.result;
      }
    }
  }

  #write(end: PairHost, { line, owner }: Extract<MoveOrder, { type: "journal" }>): void {
    if (end.dieAtWriting === "before") {
      this.#die(end);
      return;
    }
    end.line = line;
    if (owner.kind === "disown") end.owned = undefined;
    if (owner.kind === "own") {
      if (owner.version < (end.owned ?? 0)) throw new Error("an owner version fell");
      end.owned = owner.version;
    }
    if (end.dieAtWriting === "after") this.#die(end);
  }

  #dieAtWriting(end: PairHost, when: "before" | "after"): void {
    if (end.alive) end.dieAtWriting = when;
  }

  #post(from: PairHost, message: MoveMessage): void {
    this.#messages.push({ to: from.role === "source" ? "target" : "source", message });
  }

  #deliver(at: number): void {
    const [posted] = this.#messages.splice(at, 1);
    if (!posted) return;
    const end = posted.to === "source" ? this.#source : this.#target;
    if (!end.alive) return;
    if (end.move) this.#feed(end, { type: "message", message: posted.message });
    else this.#answerForgotten(end, posted.message);
  }

  /** What the core answers about a move that the journal no longer has. */
  #answerForgotten(end: PairHost, message: MoveMessage): void {
    if (end.role === "target") {
      const asks = message.type === "begin" || message.type === "commit";
      if (!asks && message.type !== "query") return;
      const lives = end.copy !== "none";
      const answer = presumedTargetAnswer(moveId, end.owned, lives);
      this.#post(end, { type: "targetAnswer", moveId, answer, detail: "" });
    } else if (message.type === "held" || message.type === "query") {
      const answer = presumedSourceAnswer(moveId, end.owned);
      this.#post(end, { type: "sourceAnswer", moveId, answer });
    } else if (message.type === "targetAnswer" && message.answer !== "held") {
      const over = message.answer === "refused" || end.owned === undefined;
      if (over) this.#post(end, { type: "close", moveId });
    }
  }

  #hear(end: PairHost): void {
    const done = end.results.shift();
    if (done) this.#feed(end, { type: "opEnded", ...done });
  }

  #perform(end: PairHost, how: "well" | "badly" | "untold"): void {
    const op = end.orders.shift();
    if (!op) return;
    const mayFail = op.op !== "closeChannel" && op.op !== "cancelMigration";
    if (how === "badly" && mayFail) {
      end.results.push({ op: op.op, result: no("HYPERVISOR_FAILED") });
      return;
    }
    const result = this.#carryOut(end, op);
    if (result === null) return;
    const untold = how === "untold" && mayFail && result.ok;
    end.results.push({ op: op.op, result: untold ? no("HYPERVISOR_FAILED") : result });
  }

  /** Null for an operation that goes on. */
  #carryOut(end: PairHost, op: HostOp): HostOpResult | null {
    switch (op.op) {
      case "prepareIncoming":
        end.copy = "receiving";
        return ok();
      case "listenChannel":
        this.#listening = true;
        return ok({ port: 4001, address: null });
      case "awaitIncoming":
        this.#awaiting = true;
        return this.#awaited();
      case "connectChannel":
        this.#connected = this.#listening;
        return this.#connected ? ok() : no("CHANNEL_FAILED");
      case "migrateOut":
        if (!this.#connected || end.copy !== "running") return no("HYPERVISOR_FAILED");
        end.copy = "sending";
        this.#streaming = true;
        return null;
      case "cancelMigration":
      case "closeChannel":
        this.#breakStream();
        return ok();
      case "moveVerdict":
        return ok({ verdict: verdictOn(end.copy) });
      case "discard":
        end.copy = "none";
        if (this.#streaming) this.#breakStream();
        return ok();
      default:
        return this.#letRun(end);
    }
  }

  #letRun(end: PairHost): HostOpResult {
    if (end.copy === "none" || end.copy === "receiving") return no("VM_ABSENT");
    if (end.role === "source" && this.#targetRan) throw new Error("old memory was resumed");
    if (end.copy !== "sending") end.copy = "running";
    return ok();
  }

  #awaited(): HostOpResult | null {
    if (this.#target.copy === "receiving") return null;
    this.#awaiting = false;
    return this.#target.copy === "received" ? ok() : no("HYPERVISOR_FAILED");
  }

  #finishStream(): void {
    if (!this.#streaming || this.#target.copy !== "receiving") return;
    this.#streaming = false;
    this.#source.copy = "sent";
    this.#target.copy = "received";
    const value = { end: "sent", transferredBytes: 1, pausedForMs: 1 } as const;
    this.#tell(this.#source, "migrateOut", ok(value));
    if (this.#awaiting) this.#tell(this.#target, "awaitIncoming", this.#awaited());
  }

  /** The channel is gone: an unfinished stream fails at both ends, and the guest runs on. */
  #breakStream(): void {
    this.#connected = false;
    this.#listening = false;
    if (this.#target.copy === "receiving") this.#target.copy = "none";
    if (this.#awaiting) this.#tell(this.#target, "awaitIncoming", this.#awaited());
    if (!this.#streaming) return;
    this.#streaming = false;
    if (this.#source.copy === "sending") this.#source.copy = "running";
    this.#tell(this.#source, "migrateOut", no("CHANNEL_FAILED"));
  }

  #tell(end: PairHost, op: HostOp["op"], result: HostOpResult | null): void {
    if (end.alive && result) end.results.push({ op, result });
  }

  #list(end: PairHost): void {
    const state = end.copy === "none" ? null : end.copy;
    this.#feed(end, { type: "copyListed", state });
  }

  #die(end: PairHost): void {
    end.alive = false;
    end.dieAtWriting = null;
    end.orders = [];
    end.results = [];
    if (end.role === "target") this.#awaiting = false;
    this.#breakStream();
  }

  #startAgain(end: PairHost): void {
    if (end.alive) return;
    end.alive = true;
    const { line } = end;
    const limits = { bandwidthBytesPerSecond: 0, downtimeMs: 300, noProgressMs: 30_000 };
    if (line === null) end.move = null;
    else if (line.role === "target") {
      end.move = new TargetMove({ facts: factsOf("source"), params }, line);
    } else {
      const facts = factsOf("target");
      end.move = new SourceMove({ facts, addresses: [], limits, params }, line);
    }
    this.#feed(end, { type: "restored" });
  }

  /** Seldom: a script full of kills would try little else. */
  #kill(end: PairHost, choice: number): void {
    if (choice % 16 !== 0 || end.copy === "none") return;
    this.wasKilled = true;
    end.copy = "none";
    this.#breakStream();
  }
}
