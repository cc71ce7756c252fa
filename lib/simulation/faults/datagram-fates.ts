import type { SimFact } from "../sim-fact.ts";
import type { FaultTally } from "./fault-tally.ts";

interface Fate {
  readonly number: number;
  sent: number;
  received: number;
}

/** Counts what the network did to datagrams: lost, doubled, overtaken. */
export class DatagramFates {
  readonly #fates = new WeakMap<object, Fate>();
  readonly #newest = new Map<string, number>();
  #sent = 0;
  #arrived = 0;
  #doubled = 0;
  #overtaken = 0;

  observe(fact: SimFact): void {
    if (fact.type !== "stepped") return;
    for (const effect of fact.effects) if (effect.type === "datagram") this.#onSent(effect.message);
    const { event } = fact;
    if (event.type !== "messageReceived" || event.via !== "datagram") return;
    this.#onReceived(event.message, `${event.from} ${fact.host}`);
  }

  tellTo(tally: FaultTally): void {
    tally.add("datagram lost", this.#sent - this.#arrived);
    tally.add("datagram doubled", this.#doubled);
    tally.add("datagram overtaken", this.#overtaken);
  }

  #onSent(message: object): void {
    this.#sent += 1;
    const fate = this.#fates.get(message) ?? { number: this.#sent, sent: 0, received: 0 };
    fate.sent += 1;
    this.#fates.set(message, fate);
  }

  #onReceived(message: object, way: string): void {
    const fate = this.#fates.get(message);
    if (!fate) return;
    fate.received += 1;
    if (fate.received > fate.sent) this.#doubled += 1;
    else this.#arrived += 1;
    const newest = this.#newest.get(way) ?? 0;
    if (fate.number < newest) this.#overtaken += 1;
    else this.#newest.set(way, fate.number);
  }
}
