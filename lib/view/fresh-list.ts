import type { ReceivedSummary } from "./host-records.ts";

/** Entries beyond which superseded and old ones are cleared away. */
const ENTRIES_MAX = 512;
const ENTRIES_KEPT = 256;

/**
 * Which summaries were made last. Where thousands of hosts are known, the freshest must be found
 * without looking at all. Those that their hosts have superseded since are passed over.
 */
export class FreshList {
  /** In order of `madeAtMs`, oldest first. */
  #entries: ReceivedSummary[] = [];

  /** Takes the place of the host's summary before, which its records hold no more. */
  add(entry: ReceivedSummary): void {
    const entries = this.#entries;
    const place = this.#placeOf(entry.madeAtMs);
    if (place === entries.length) entries.push(entry);
    else entries.splice(place, 0, entry);
    if (entries.length > ENTRIES_MAX)
      this.#entries = entries.filter(isCurrent).slice(-ENTRIES_KEPT);
  }

  /** Behind all that were made by then. */
  #placeOf(madeAtMs: number): number {
    let from = 0;
    let to = this.#entries.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if ((this.#entries[middle]?.madeAtMs ?? 0) <= madeAtMs) from = middle + 1;
      else to = middle;
    }
    return from;
  }

  /** Visits the freshest first, those made at `sinceMs` or later, while `visit` returns true. */
  visit(sinceMs: number, visit: (entry: ReceivedSummary) => boolean): void {
    for (let place = this.#entries.length - 1; place >= 0; place -= 1) {
      const entry = this.#entries[place];
      if (!entry || entry.madeAtMs < sinceMs) return;
      if (isCurrent(entry) && !visit(entry)) return;
    }
  }
}

/** False once the host has published anew, or is forgotten. */
function isCurrent(entry: ReceivedSummary): boolean {
  return entry.records.summary === entry;
}
