import type { ActionReason } from "../model/action.ts";
import type { MoveId } from "../model/ids.ts";
import type { MoveLine } from "../moves/move-line.ts";
import type { SimFact } from "./sim-fact.ts";
import type { CopyChange } from "./sim-host.ts";

/** One move that was made, as it is shown. */
export interface LoggedMove {
  /** When the VM began to run on its new host, s of virtual time. */
  readonly second: number;
  readonly vm: string;
  readonly from: string;
  readonly to: string;
  /** Drop of the potential and price of the move, as the source saw them. */
  readonly gain: number;
  readonly cost: number;
  readonly reason: ActionReason;
}

/** A grant whose copy has not been made by then has lapsed, ms. */
const grantMsMax = 10_000;

/** Why a move is made. */
export type MovePlan = Pick<MoveLine, "gain" | "cost" | "reason">;

const unknownPlan: MovePlan = { gain: 0, cost: 0, reason: "imbalance" };

/** Follows the moves of a run from the admission to the end, and grants no more than it is told to. */
export class MoveRecorder {
  readonly #movesMax: number;
  /** Moves under way: why they are made, as the source's journal has it. */
  readonly #plans = new Map<MoveId, MovePlan>();
  /** Admitted and not yet running: when that was. */
  readonly #admitted = new Map<MoveId, { readonly atMs: number; copied: boolean }>();
  #done = 0;
  refusals = 0;

  /** `movesMax`: grants nothing after so many moves; Infinity for no limit. */
  constructor(movesMax: number) {
    this.#movesMax = movesMax;
  }

  get done(): number {
    return this.#done;
  }

  /** Asked by a target's hypervisor: why it must not take this VM in; null when it may. */
  admissionRefusal(moveId: MoveId, nowMs: number): string | null {
    if (this.#movesMax === Number.POSITIVE_INFINITY) return null;
    for (const [other, { atMs, copied }] of this.#admitted) {
      if (!copied && nowMs - atMs > grantMsMax) this.#admitted.delete(other);
    }
    if (this.#done + this.#admitted.size >= this.#movesMax) {
      return "the simulation grants no more moves";
    }
    this.#admitted.set(moveId, { atMs: nowMs, copied: false });
    return null;
  }

  /** Takes the next fact; returns why the move that this fact completed was made. */
  observe(fact: SimFact): MovePlan | undefined {
    if (fact.type === "sent") {
      if (fact.message.type === "refuse") this.refusals += 1;
    } else if (fact.type === "persisted") {
      for (const { key, value } of fact.entries) this.#onLine(key, value);
    } else if (fact.type === "copyChanged") return this.#onChange(fact.change);
    return undefined;
  }

  /** The source's line is the first to be written, and tells all. */
  #onLine(key: string, value: string | null): void {
    if (!key.startsWith("move/")) return;
    const moveId = key.slice("move/".length);
    if (value === null) this.#plans.delete(moveId);
    if (value === null || this.#plans.has(moveId)) return;
    const { gain, cost, reason } = JSON.parse(value) as MoveLine;
    this.#plans.set(moveId, { gain, cost, reason });
  }

  #onChange({ before, after }: CopyChange): MovePlan | undefined {
    const moveId = (after ?? before)?.moveId ?? null;
    if (moveId === null) return undefined;
    const open = this.#admitted.get(moveId);
    if (after === null) {
      // Only the target's copy came by the move; the source's goes when all is over.
      if (before?.state === "receiving" || before?.state === "received")
        this.#admitted.delete(moveId);
      return undefined;
    }
    if (after.state === "receiving" && open) open.copied = true;
    if (after.state !== "running" || before?.state !== "received") return undefined;
    this.#admitted.delete(moveId);
    this.#done += 1;
    return this.#plans.get(moveId) ?? unknownPlan;
  }
}
