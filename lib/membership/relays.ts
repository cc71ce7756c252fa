import type { HostId } from "../model/ids.ts";

/** A probe that we sent for another member. */
export interface Relay {
  readonly requester: HostId;
  /** The requester's nonce, which the passed-on ack echoes. */
  readonly nonce: number;
  readonly target: HostId;
  readonly untilMs: number;
}

/** Probes made in the place of others, by our own nonce; the oldest gives way to the newest. */
export class Relays {
  readonly #countMax: number;
  readonly #byNonce = new Map<number, Relay>();

  constructor(countMax: number) {
    this.#countMax = countMax;
  }

  add(nonce: number, relay: Relay): void {
    if (this.#byNonce.size >= this.#countMax) {
      const oldest = this.#byNonce.keys().next();
      if (!oldest.done) this.#byNonce.delete(oldest.value);
    }
    this.#byNonce.set(nonce, relay);
  }

  /** Takes the relay that an ack from `from` ends; undefined when there is none in time. */
  take(from: HostId, nonce: number, nowMs: number): Relay | undefined {
    const relay = this.#byNonce.get(nonce);
    if (relay?.target !== from) return undefined;
    this.#byNonce.delete(nonce);
    return relay.untilMs >= nowMs ? relay : undefined;
  }
}
