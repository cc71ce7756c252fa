import type { HostId, VmName } from "../model/ids.ts";

/** How long a refusal is worth telling. */
const toldMs = 60_000;
/** What will not change by itself is asked again after this: somebody may have seen to it. */
const lastingMs = 300_000;
const refusalsMax = 256;

interface Refusal {
  readonly vm: VmName;
  readonly to: HostId;
  readonly reason: string;
  readonly atMs: number;
  readonly isLasting: boolean;
}

/**
 * What targets answered of late. A host that cannot take a VM at all, for it lacks the bridge, the
 * image or the processor, is not asked again and again.
 */
export class RefusalMemory {
  /** Oldest first. */
  readonly #refusals = new Map<string, Refusal>();

  note(refusal: Refusal): void {
    const key = keyOf(refusal.vm, refusal.to);
    this.#refusals.delete(key);
    for (const [known, one] of this.#refusals) {
      if (isKept(one, refusal.atMs) && this.#refusals.size < refusalsMax) continue;
      this.#refusals.delete(known);
    }
    this.#refusals.set(key, refusal);
  }

  /** The target took it after all. */
  forget(vm: VmName, to: HostId): void {
    this.#refusals.delete(keyOf(vm, to));
  }

  /** What the target answered when this VM was last proposed to it, in words; null if not of late. */
  last(vm: VmName, to: HostId, nowMs: number): string | null {
    const refusal = this.#refusals.get(keyOf(vm, to));
    return refusal && isKept(refusal, nowMs) ? words(refusal, nowMs) : null;
  }

  /** By VM the hosts that are not to be asked for it now, each with why. VMs without any are left out. */
  barred(nowMs: number): ReadonlyMap<VmName, ReadonlyMap<HostId, string>> {
    const barred = new Map<VmName, Map<HostId, string>>();
    for (const refusal of this.#refusals.values()) {
      if (!refusal.isLasting || !isKept(refusal, nowMs)) continue;
      const hosts = barred.get(refusal.vm) ?? new Map();
      barred.set(refusal.vm, hosts.set(refusal.to, words(refusal, nowMs)));
    }
    return barred;
  }
}

function keyOf(vm: VmName, to: HostId): string {
  return `${vm} ${to}`;
}

function isKept({ atMs, isLasting }: Refusal, nowMs: number): boolean {
  return nowMs - atMs < (isLasting ? lastingMs : toldMs);
}

function words({ reason, atMs }: Refusal, nowMs: number): string {
  return `refused ${Math.round((nowMs - atMs) / 1000)} s ago: ${reason}`;
}
