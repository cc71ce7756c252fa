import type { HostId } from "../model/ids.ts";

/** Hosts are remembered one by one; more than this many forget the earliest. */
const skippedMax = 256;

/** Hosts that refused, and are not asked again for a while. */
export class SkippedHosts {
  readonly #skipMs: number;
  readonly #untilMs = new Map<HostId, number>();

  constructor(skipMs: number) {
    this.#skipMs = skipMs;
  }

  has(host: HostId, nowMs: number): boolean {
    return (this.#untilMs.get(host) ?? 0) > nowMs;
  }

  add(host: HostId, nowMs: number): void {
    for (const [one, untilMs] of this.#untilMs) {
      if (untilMs <= nowMs || this.#untilMs.size >= skippedMax) this.#untilMs.delete(one);
    }
    this.#untilMs.set(host, nowMs + this.#skipMs);
  }
}
