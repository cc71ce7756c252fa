import type { HostOp } from "../model/host-op.ts";
import type { MoveMessage } from "../wire/messages.ts";
import type { MoveFacts, MoveLine } from "./move-line.ts";
import type { MoveEnd, MoveOrder, OwnerChange } from "./move-order.ts";

/** The orders of one end of a move, collected in the order in which they must happen. */
export class OrderSheet {
  readonly #facts: MoveFacts;
  #orders: MoveOrder[] = [];

  constructor(facts: MoveFacts) {
    this.#facts = facts;
  }

  journal(line: MoveLine | null, owner: OwnerChange = { kind: "keep" }): void {
    this.#orders.push({ type: "journal", line, owner });
  }

  send(message: MoveMessage): void {
    this.#orders.push({ type: "send", message });
  }

  run(op: HostOp): void {
    this.#orders.push({ type: "run", op });
  }

  /** An operation that needs no more than the move and its VM. */
  runPlain(op: "cancelMigration" | "runIncoming" | "takeBack" | "discard" | "moveVerdict"): void {
    const { moveId, vm } = this.#facts;
    this.run({ op, moveId, vm });
  }

  warn(code: string, message: string): void {
    this.#orders.push({ type: "warn", code, message: `${this.#facts.vm}: ${message}` });
  }

  /** The last orders of a move: its channel goes, and its table entry may. */
  end(end: MoveEnd): void {
    this.run({ op: "closeChannel", moveId: this.#facts.moveId });
    this.#orders.push({ type: "ended", end });
  }

  /** The orders so far; the sheet is empty afterwards. */
  take(): MoveOrder[] {
    const orders = this.#orders;
    this.#orders = [];
    return orders;
  }
}
