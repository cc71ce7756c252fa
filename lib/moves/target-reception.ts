import type { HostOpName, HostOpResult, HostOpValues } from "../model/host-op.ts";
import type { MoveMessage } from "../wire/messages.ts";
import type { Asking } from "./asking.ts";
import type { Discarding } from "./discarding.ts";
import type { MoveFacts } from "./move-line.ts";
import type { MoveInput } from "./move-order.ts";
import type { OrderSheet } from "./order-sheet.ts";
import type { MoveParams } from "./params.ts";

/** What a reception comes to. */
export type TargetDecision =
  /** The copy is whole and paused: vote. */
  | { readonly kind: "hold" }
  | { readonly kind: "refuse"; readonly detail: string }
  /** Nothing was begun: the grant is forgotten. */
  | { readonly kind: "lapse"; readonly detail: string };

export interface TargetReceptionOptions {
  readonly facts: MoveFacts;
  readonly params: MoveParams;
  readonly sheet: OrderSheet;
  readonly asking: Asking;
  readonly discarding: Discarding;
  /** Writes `receiving`, durable before anything is started. */
  readonly begun: () => void;
}

/** The target's part up to its vote: granted, then receiving. */
export class TargetReception {
  readonly #options: TargetReceptionOptions;
  readonly #sheet: OrderSheet;
  readonly #asking: Asking;
  #receiving = false;
  #deadlineMs: number | undefined;

  constructor(options: TargetReceptionOptions) {
    this.#options = options;
    this.#sheet = options.sheet;
    this.#asking = options.asking;
  }

  get deadlineMs(): number | undefined {
    return this.#deadlineMs;
  }

  grant(nowMs: number): void {
    this.#deadlineMs = nowMs + this.#options.params.grantMs;
    this.#sheet.send({ type: "grant", moveId: this.#options.facts.moveId });
  }

  handle(input: MoveInput, nowMs: number): TargetDecision | null {
    switch (input.type) {
      case "message":
        return this.#onMessage(input.message, nowMs);
      case "opEnded":
        return this.#onOpEnded(input.op, input.result);
      case "timeout":
        return this.#onTimeout(nowMs);
      default:
        return null;
    }
  }

  #onMessage(message: MoveMessage, nowMs: number): TargetDecision | null {
    if (message.type === "begin" && !this.#receiving) this.#begin(nowMs);
    else if (message.type === "abort") return this.#giveUp(`the source aborted: ${message.reason}`);
    else if (message.type === "sourceAnswer" && this.#receiving) {
      this.#deadlineMs = nowMs + this.#options.params.silenceMs;
      // `committed`: its hypervisor gave the copy away by itself; ours is the VM once it is whole.
      if (message.answer === "open" || message.answer === "committed") return null;
      return this.#giveUp(`the source says ${message.answer}`);
    }
    return null;
  }

  #begin(nowMs: number): void {
    const { facts, params, begun } = this.#options;
    this.#receiving = true;
    this.#deadlineMs = nowMs + params.silenceMs;
    begun();
    const { moveId, spec, peer } = facts;
    this.#options.discarding.making();
    this.#sheet.run({ op: "prepareIncoming", moveId, spec, source: peer });
    this.#asking.begin(nowMs, params.askMsMax);
  }

  #onOpEnded(op: HostOpName, result: HostOpResult): TargetDecision | null {
    const { moveId, vm } = this.#options.facts;
    if (op === "prepareIncoming") this.#options.discarding.made(this.#sheet);
    if (!this.#receiving) return null;
    if (op !== "prepareIncoming" && op !== "listenChannel" && op !== "awaitIncoming") return null;
    if (!result.ok) return this.#giveUp(result.message);
    if (op === "awaitIncoming") return { kind: "hold" };
    if (op === "prepareIncoming") {
      this.#sheet.run({ op: "listenChannel", moveId, vm });
      return null;
    }
    const { port, address } = result.value as HostOpValues["listenChannel"];
    this.#sheet.send({ type: "ready", moveId, channelPort: port, channelAddress: address });
    this.#sheet.run({ op: "awaitIncoming", moveId, vm });
    return null;
  }

  #onTimeout(nowMs: number): TargetDecision | null {
    if (this.#deadlineMs !== undefined && nowMs >= this.#deadlineMs) {
      return this.#giveUp(this.#receiving ? "the source stayed silent" : "the grant lapsed");
    }
    if (this.#asking.due(nowMs)) {
      const { moveId } = this.#options.facts;
      this.#sheet.send({ type: "query", moveId, asker: "target" });
    }
    return null;
  }

  #giveUp(detail: string): TargetDecision {
    return { kind: this.#receiving ? "refuse" : "lapse", detail };
  }
}
