import { Deadlines } from "../base/deadlines.ts";
import type { HostId } from "../model/ids.ts";

/**
 * One question "are you there?" on its way.
 * - full: direct, then indirect and over the stream, then a failure that makes a suspicion.
 * - repeat: to a suspect that we have found silent before; helpers are not bothered again.
 * - knock: one packet to a dead member; no answer means nothing new.
 */
export interface Probe {
  readonly nonce: number;
  readonly target: HostId;
  readonly kind: "full" | "repeat" | "knock";
  readonly startedAtMs: number;
  /** Null in the direct phase; then those who were asked to probe for us. */
  readonly helpers: readonly HostId[] | null;
  /** Time that the phase was given. */
  readonly timeoutMs: number;
  /** True once the phase was prolonged because this host itself was late. */
  readonly prolonged: boolean;
}

/** The probes that are under way, at most one for a target. */
export class Probes {
  readonly #byTarget = new Map<HostId, Probe>();
  readonly #deadlines = new Deadlines<HostId>();

  get count(): number {
    return this.#byTarget.size;
  }

  has(target: HostId): boolean {
    return this.#byTarget.has(target);
  }

  /** Begins a probe, or its next phase; it falls due after its time-out. */
  begin(probe: Probe, nowMs: number): void {
    this.#byTarget.set(probe.target, probe);
    this.#deadlines.set(probe.target, nowMs + probe.timeoutMs);
  }

  /** The probe that an ack from `from` answers; helpers pass on their target's acks. */
  answeredBy(from: HostId, nonce: number): Probe | undefined {
    const direct = this.#byTarget.get(from);
    if (direct?.nonce === nonce) return direct;
    for (const probe of this.#byTarget.values()) {
      if (probe.nonce === nonce && probe.helpers?.includes(from)) return probe;
    }
    return undefined;
  }

  end(target: HostId): void {
    this.#byTarget.delete(target);
    this.#deadlines.stop(target);
  }

  /** Probes whose phase is over; each must be begun again or ended by the caller. */
  due(nowMs: number): Probe[] {
    const probes: Probe[] = [];
    for (const target of this.#deadlines.due(nowMs)) {
      const probe = this.#byTarget.get(target);
      if (probe) probes.push(probe);
    }
    return probes;
  }

  /**
   * Gives each phase that ran out unheard a fresh chance, once: the acks of the time that this host
   * lost may lie unread in its own queues.
   */
  prolong(latenessMs: number, nowMs: number): void {
    for (const probe of this.#byTarget.values()) {
      const atMs = this.#deadlines.atMs(probe.target);
      if (probe.prolonged || atMs === undefined || atMs > nowMs) continue;
      this.#byTarget.set(probe.target, { ...probe, prolonged: true });
      this.#deadlines.set(probe.target, nowMs + Math.min(latenessMs, probe.timeoutMs));
    }
  }

  nextMs(): number | undefined {
    return this.#deadlines.nextMs();
  }
}
