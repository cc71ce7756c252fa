import type { Log } from "../ports/log.ts";
import type { TransportCounters } from "../ports/transport.ts";

/** Distinct (reason, peer) pairs that are logged; further ones are only counted. */
const LOGGED_MAX = 1024;

/** Counts traffic and dropped input, and logs each kind of bad input once per peer. */
export class Counters {
  readonly #log: Log;
  readonly #dropped = new Map<string, number>();
  readonly #logged = new Set<string>();
  #sentBytes = 0;
  #receivedBytes = 0;
  #sentMessages = 0;
  #receivedMessages = 0;

  constructor(log: Log) {
    this.#log = log;
  }

  sent(bytes: number, messages: number): void {
    this.#sentBytes += bytes;
    this.#sentMessages += messages;
  }

  received(bytes: number, messages: number): void {
    this.#receivedBytes += bytes;
    this.#receivedMessages += messages;
  }

  /** Counts dropped input without a line in the log. */
  count(reason: string): void {
    this.#dropped.set(reason, (this.#dropped.get(reason) ?? 0) + 1);
  }

  /** `from` is a host id or an address; `detail` says what was wrong with the first such input. */
  drop(reason: string, from: string, detail: string): void {
    this.count(reason);
    this.logOnce(
      `${reason} ${from}`,
      `dropped input from ${from} (${reason}): ${detail}; more of it is only counted`,
      { reason, from },
    );
  }

  /** Writes a warning the first time that `key` is seen. */
  logOnce(key: string, message: string, facts: Readonly<Record<string, unknown>>): void {
    if (this.#logged.has(key) || this.#logged.size >= LOGGED_MAX) return;
    this.#logged.add(key);
    this.#log.write("warn", message, facts);
  }

  snapshot(): TransportCounters {
    return {
      sentBytes: this.#sentBytes,
      receivedBytes: this.#receivedBytes,
      sentMessages: this.#sentMessages,
      receivedMessages: this.#receivedMessages,
      dropped: Object.fromEntries(this.#dropped),
    };
  }
}
