import type { HostId, VmName } from "../model/ids.ts";

/** How long a target's refusal is worth telling, and how many are kept. */
const refusalMs = 60_000;
const refusalsMax = 256;

/** What targets answered of late, by VM and target. */
export class RefusalMemory {
  readonly #refusals = new Map<string, { readonly reason: string; readonly atMs: number }>();

  add(
    { vm, to }: { readonly vm: VmName; readonly to: HostId },
    reason: string,
    nowMs: number,
  ): void {
    for (const [key, { atMs }] of this.#refusals) {
      if (nowMs - atMs < refusalMs && this.#refusals.size < refusalsMax) break;
      this.#refusals.delete(key);
    }
    this.#refusals.set(`${vm} ${to}`, { reason, atMs: nowMs });
  }

  /** What the target answered when this VM was last proposed to it, in words; null if not of late. */
  last(vm: VmName, to: HostId, nowMs: number): string | null {
    const refusal = this.#refusals.get(`${vm} ${to}`);
    if (!refusal || nowMs - refusal.atMs >= refusalMs) return null;
    return `refused ${Math.round((nowMs - refusal.atMs) / 1000)} s ago: ${refusal.reason}`;
  }
}
