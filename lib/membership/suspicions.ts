import { Deadlines } from "../base/deadlines.ts";
import type { HostId } from "../model/ids.ts";
import type { Awareness } from "./awareness.ts";
import type { MembershipParams } from "./params.ts";
import { suspicionTimeoutMs } from "./suspicion-timeout.ts";

interface Suspicion {
  readonly startedAtMs: number;
  /** Added to the time, so that not everybody passes the same judgement at once. */
  readonly extraMs: number;
  readonly accusers: Set<HostId>;
}

/** Suspects, who accuses each, and how long each still has to refute. */
export class Suspicions {
  readonly #params: MembershipParams;
  readonly #awareness: Awareness;
  readonly #suspicions = new Map<HostId, Suspicion>();
  readonly #deadlines = new Deadlines<HostId>();

  constructor(params: MembershipParams, awareness: Awareness) {
    this.#params = params;
    this.#awareness = awareness;
  }

  begin(host: HostId, times: { startedAtMs: number; extraMs: number }): void {
    this.#suspicions.set(host, { ...times, accusers: new Set() });
  }

  /**
   * Counts an accuser once; true when it was new and is still needed. `confirmers` is how many
   * members could accuse besides the first.
   */
  accuse(host: HostId, by: HostId, confirmers: number): boolean {
    const suspicion = this.#suspicions.get(host);
    if (!suspicion) return false;
    const enough = this.#params.confirmationsMax + 1;
    if (suspicion.accusers.has(by) || suspicion.accusers.size >= enough) return false;
    suspicion.accusers.add(by);
    const timeoutMs = suspicionTimeoutMs(suspicion.accusers.size - 1, {
      minMs: this.#params.suspicionMsMin,
      maxMs: this.#params.suspicionMsMax,
      confirmationsMax: Math.min(this.#params.confirmationsMax, confirmers),
    });
    const scaledMs = this.#awareness.scaleSuspicion(timeoutMs);
    this.#deadlines.set(host, suspicion.startedAtMs + suspicion.extraMs + scaledMs);
    return true;
  }

  /** Waits a fixed time instead, whoever accuses: a member that announced its restart. */
  await(host: HostId, untilMs: number): void {
    this.#suspicions.delete(host);
    this.#deadlines.set(host, untilMs);
  }

  accuses(host: HostId, by: HostId): boolean {
    return this.#suspicions.get(host)?.accusers.has(by) ?? false;
  }

  accusersOf(host: HostId): number {
    return this.#suspicions.get(host)?.accusers.size ?? 0;
  }

  end(host: HostId): void {
    this.#suspicions.delete(host);
    this.#deadlines.stop(host);
  }

  /** Time in which this host itself stood still gave no suspect a chance to be heard. */
  postpone(latenessMs: number): void {
    for (const [host, suspicion] of this.#suspicions) {
      this.#suspicions.set(host, { ...suspicion, extraMs: suspicion.extraMs + latenessMs });
      const atMs = this.#deadlines.atMs(host);
      if (atMs !== undefined) this.#deadlines.set(host, atMs + latenessMs);
    }
  }

  /** Hosts whose time is over; each must be ended by the caller. */
  due(nowMs: number): HostId[] {
    return this.#deadlines.due(nowMs);
  }

  nextMs(): number | undefined {
    return this.#deadlines.nextMs();
  }
}
