import type { HostId } from "#lib/model/ids.ts";
import type { DatagramMessage } from "#lib/wire/messages.ts";
import type { Clock } from "../ports/clock.ts";

/** A slower answer says too little of the moment at which the other clock was read. */
const ROUND_TRIP_MS_MAX = 1000;
const HOSTS_MAX = 1024;

/** How far other hosts' clocks are from this one's, from the acks that tell the time there. */
export class ClockSkews {
  readonly #clock: Pick<Clock, "nowMs" | "wallMs">;
  readonly #asked = new Map<HostId, { readonly nonce: number; readonly atMs: number }>();
  readonly #skewsMs = new Map<HostId, number>();

  constructor(clock: Pick<Clock, "nowMs" | "wallMs">) {
    this.#clock = clock;
  }

  /** What goes out in the message's place: acks tell the time here. */
  sending(to: HostId, message: DatagramMessage): DatagramMessage {
    if (message.type === "ack") return { ...message, wallMs: this.#clock.wallMs() };
    if (message.type !== "probe") return message;
    if (this.#asked.size >= HOSTS_MAX) this.#asked.clear();
    this.#asked.set(to, { nonce: message.nonce, atMs: this.#clock.nowMs() });
    return message;
  }

  /** An ack to the last probe of its sender says what the time was there, half a round trip ago. */
  received(from: HostId, message: DatagramMessage): void {
    if (message.type !== "ack" || message.wallMs === undefined) return;
    const asked = this.#asked.get(from);
    if (asked?.nonce !== message.nonce) return;
    this.#asked.delete(from);
    const roundTripMs = this.#clock.nowMs() - asked.atMs;
    if (roundTripMs > ROUND_TRIP_MS_MAX) return;
    if (this.#skewsMs.size >= HOSTS_MAX) this.#skewsMs.clear();
    this.#skewsMs.set(from, message.wallMs - (this.#clock.wallMs() - roundTripMs / 2));
  }

  /** Ms that each host's clock is ahead of this one's, negative for behind; those that told. */
  all(): ReadonlyMap<HostId, number> {
    return this.#skewsMs;
  }
}
