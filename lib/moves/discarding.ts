import type { OrderSheet } from "./order-sheet.ts";

/**
 * Discards a target's copy, and knows when none is left. A discard that overtakes the order to make
 * the copy finds none, and the copy comes after it: then it is ordered once more.
 */
export class Discarding {
  /** The order that makes the copy has not ended. */
  #making = false;
  /** A discard is under way that began before that, or has ended before that. */
  #early = false;
  #underWay = false;

  /** The copy is being made from now on. */
  making(): void {
    this.#making = true;
  }

  /** The order to make it has ended; what it made is discarded if it came too late. */
  made(sheet: OrderSheet): void {
    this.#making = false;
    if (this.#early && !this.#underWay) this.order(sheet);
  }

  order(sheet: OrderSheet): void {
    this.#early = this.#making;
    this.#underWay = true;
    sheet.runPlain("discard");
  }

  /** A discard has succeeded. False when the copy may have come after it, or may still come. */
  succeeded(sheet: OrderSheet): boolean {
    this.#underWay = false;
    if (!this.#early) return true;
    if (!this.#making) this.order(sheet);
    return false;
  }
}
