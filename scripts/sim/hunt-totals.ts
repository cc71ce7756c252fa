import { FaultTally } from "#lib/simulation/faults/fault-tally.ts";
import type { RandomRun } from "#lib/simulation/random-scenario.ts";

/** What a share of a hunt found, as plain data: it crosses from one thread to another. */
export interface HuntShare {
  readonly seeds: number;
  /** Services that were declared, in all seeds together. */
  readonly services: number;
  readonly virtualMs: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly moves: Readonly<Record<string, number>>;
  /** The violation, in the line that replays it; null for none. */
  readonly failure: string | null;
}

/** Kinds that are counted beside the faults, and are none. */
const verb = /^verb /;
const datagram = /^datagram /;

/** Sums up a hunt, and says it. */
export class HuntTotals {
  readonly #faults = new FaultTally();
  readonly #moves = new FaultTally();
  #seeds = 0;
  #services = 0;
  #virtualMs = 0;

  addRun({ faults, moves, virtualMs, services }: RandomRun): void {
    this.add({ faults, moves, virtualMs, services, seeds: 1 });
  }

  add({ seeds, services, virtualMs, faults, moves }: Omit<HuntShare, "failure">): void {
    this.#seeds += seeds;
    this.#services += services;
    this.#virtualMs += virtualMs;
    this.#faults.addAll(faults);
    this.#moves.addAll(moves);
  }

  share(failure: string | null): HuntShare {
    const [faults, moves] = [this.#faults.counts(), this.#moves.counts()];
    const sums = { seeds: this.#seeds, services: this.#services, virtualMs: this.#virtualMs };
    return { ...sums, faults, moves, failure };
  }

  progress(of: number): string {
    const { faults } = this.#sums();
    return `${this.#seeds} of ${of} seeds, ${this.#moves.total} moves, ${faults} faults`;
  }

  /** All counts by kind, most frequent first: faults, then what else happened. */
  table(): readonly string[] {
    const counts = Object.entries(this.#faults.counts()).sort(([, a], [, b]) => b - a);
    const isFault = ([kind]: [string, number]) => !verb.test(kind) && !datagram.test(kind);
    const others = counts.filter((entry) => !isFault(entry));
    return [...counts.filter(isFault), ...others].map(([kind, count]) => {
      return `${String(count).padStart(10)}  ${kind}`;
    });
  }

  /** One line of sums. */
  line(seconds: number): string {
    const { faults, verbs, lost } = this.#sums();
    const moves = Object.entries(this.#moves.counts())
      .sort(([a], [b]) => (a < b ? 1 : -1))
      .map(([result, count]) => `${count} ${result}`);
    const hours = (this.#virtualMs / 3_600_000).toFixed(1);
    const rate = (this.#seeds / seconds).toFixed(1);
    return (
      `${faults} faults, ${verbs} verbs, ${lost} datagrams lost, moves: ${moves.join(", ")}; ` +
      `${this.#services} services; ${hours} virtual hours in ${seconds.toFixed(1)} s, ${rate} seeds a second`
    );
  }

  #sums(): { faults: number; verbs: number; lost: number } {
    const counts = Object.entries(this.#faults.counts());
    const sum = (wanted: (kind: string) => boolean) =>
      counts.reduce((total, [kind, count]) => total + (wanted(kind) ? count : 0), 0);
    return {
      faults: sum((kind) => !verb.test(kind) && !datagram.test(kind)),
      verbs: sum((kind) => verb.test(kind)),
      lost: sum((kind) => kind === "datagram lost"),
    };
  }
}
