import type { MembershipOrder } from "./order.ts";

/** Orders of one call, gathered from the parts of the membership in the order they arose. */
export class Outbox {
  #orders: MembershipOrder[] = [];

  push(order: MembershipOrder): void {
    this.#orders.push(order);
  }

  take(): MembershipOrder[] {
    const orders = this.#orders;
    this.#orders = [];
    return orders;
  }
}
