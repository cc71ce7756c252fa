import { sortedBy } from "../base/ordered.ts";
import type { Prng } from "../base/prng.ts";
import type { JournalEntry } from "../core/effects.ts";
import type { VirtualClock } from "./virtual-clock.ts";

/** One fsync takes at least this long, ms. */
const syncMsMin = 0.25;

export interface SimJournalOptions {
  readonly clock: VirtualClock;
  readonly prng: Prng;
  /** Longest fsync, ms: 2 for a good disk. */
  readonly syncMsMax: number;
  /** Told when entries have become durable. */
  readonly synced: (entries: readonly JournalEntry[]) => void;
}

/**
 * A journal's disk: it outlives the agent. At most one write is under way; when its writer dies
 * in the middle the write is durable or not, by chance, and nobody is told.
 */
export class SimJournal {
  readonly #lines = new Map<string, string>();
  readonly #options: SimJournalOptions;
  #writing: { entries: readonly JournalEntry[]; cancel: () => void } | undefined;

  constructor(options: SimJournalOptions) {
    this.#options = options;
  }

  /** Durable lines in key order. */
  lines(): readonly JournalEntry[] {
    const entries = [...this.#lines].map(([key, value]) => ({ key, value }));
    return sortedBy(entries, (entry) => entry.key);
  }

  line(key: string): string | undefined {
    return this.#lines.get(key);
  }

  /** Calls `done` once all entries are durable. */
  write(entries: readonly JournalEntry[], done: () => void): void {
    const { clock, prng, syncMsMax } = this.#options;
    const cancel = clock.after(syncMsMin + prng.nextShare() * (syncMsMax - syncMsMin), () => {
      this.#writing = undefined;
      this.#apply(entries);
      done();
    });
    this.#writing = { entries, cancel };
  }

  /** Makes entries durable without taking time: what was there before the agents were. */
  keep(entries: readonly JournalEntry[]): void {
    this.#apply(entries);
  }

  /** The writer died. */
  crash(): void {
    const writing = this.#writing;
    if (writing === undefined) return;
    writing.cancel();
    this.#writing = undefined;
    if (this.#options.prng.nextShare() < 0.5) this.#apply(writing.entries);
  }

  /** The disk is gone, or was replaced by an empty one. */
  erase(): void {
    this.#lines.clear();
  }

  #apply(entries: readonly JournalEntry[]): void {
    for (const { key, value } of entries) {
      if (value === null) this.#lines.delete(key);
      else this.#lines.set(key, value);
    }
    this.#options.synced(entries);
  }
}
