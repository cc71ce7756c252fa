import type { HostId } from "../model/ids.ts";
import type { Verdict } from "../model/verdict.ts";

interface Ride {
  readonly verdicts: Verdict[];
  untilMs: number;
}

/**
 * The verdicts that ride on gossip: all accusers of a suspect, one word for the dead, for a time
 * that lets them reach everybody. Who joins later finds out by probing.
 */
export class VerdictRide {
  readonly #rideMs: number;
  readonly #rides = new Map<HostId, Ride>();

  constructor(rideMs: number) {
    this.#rideMs = rideMs;
  }

  /** Adds an accuser of a suspect; a dead verdict takes the place of all that was said before. */
  add(verdict: Verdict, nowMs: number): void {
    const before = verdict.state === "suspect" ? this.#rides.get(verdict.host) : undefined;
    const verdicts = before?.verdicts.filter((v) => v.incarnation === verdict.incarnation) ?? [];
    verdicts.push(verdict);
    // Deleted first: the map's order is the order of age.
    this.#rides.delete(verdict.host);
    this.#rides.set(verdict.host, { verdicts, untilMs: nowMs + this.#rideMs });
  }

  remove(host: HostId): void {
    this.#rides.delete(host);
  }

  trim(nowMs: number): void {
    for (const [host, ride] of this.#rides) {
      if (ride.untilMs > nowMs) return;
      this.#rides.delete(host);
    }
  }

  /** Newest first, at most `countMax`. */
  newest(countMax: number): readonly Verdict[] {
    if (this.#rides.size === 0) return [];
    const verdicts: Verdict[] = [];
    for (const ride of [...this.#rides.values()].reverse()) {
      verdicts.push(...ride.verdicts);
      if (verdicts.length >= countMax) break;
    }
    return verdicts.slice(0, countMax);
  }
}
