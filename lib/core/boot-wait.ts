import type { HostId } from "../model/ids.ts";

/** A host that hears nobody starts its guests after this long, ms: it may be alone for good. */
const aloneMs = 30_000;
/** Once somebody was heard, the others have this long to be heard of, ms. */
const othersMs = 10_000;
/** What is heard first may be old news: newer has this long to arrive, ms. */
const newsMs = 5_000;
/** How often it is looked again, ms. */
const lookMs = 500;

/**
 * How long a machine that has booted waits before it starts its guests. While it was off, an
 * operator may have given a guest to another host, by `move resolve`, and only the others know:
 * every peer that the journal remembers is waited for, within a bound.
 */
export class BootWait {
  readonly #peers: readonly HostId[];
  #untilMs: number;
  #nextMs: number;
  #firstMs: number | undefined;

  constructor(peers: readonly HostId[], nowMs: number) {
    this.#peers = peers;
    this.#untilMs = nowMs + aloneMs;
    this.#nextMs = nowMs;
  }

  get nextTimeoutMs(): number {
    return this.#nextMs;
  }

  /** True once nothing more is waited for. `heard`: the peer's inventory has come. */
  over(heard: (peer: HostId) => boolean, nowMs: number): boolean {
    if (this.#peers.length === 0 || nowMs >= this.#untilMs) return true;
    if (this.#firstMs === undefined && this.#peers.some(heard)) {
      this.#firstMs = nowMs;
      this.#untilMs = Math.min(this.#untilMs, nowMs + othersMs);
    }
    const settled = this.#firstMs !== undefined && nowMs - this.#firstMs >= newsMs;
    if (settled && this.#peers.every(heard)) return true;
    this.#nextMs = Math.min(this.#untilMs, nowMs + lookMs);
    return false;
  }
}
