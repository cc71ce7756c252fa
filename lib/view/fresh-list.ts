import type { SummaryRecord } from "../model/record.ts";
import type { HostRecords, Received } from "./host-records.ts";

/** Entries beyond which superseded and old ones are cleared away. */
const ENTRIES_MAX = 512;
const ENTRIES_KEPT = 256;

/**
 * Which summaries were made last. Where thousands of hosts are known, the freshest must be found
 * without looking at all. Entries of hosts that have published anew since are passed over.
 */
export class FreshList {
  /** In order of `madeAtMs`, oldest first. */
  #entries: { readonly records: HostRecords; readonly summary: Received<SummaryRecord> }[] = [];

  add(records: HostRecords, summary: Received<SummaryRecord>): void {
    const entries = this.#entries;
    const entry = { records, summary };
    let place = entries.length;
    entries.push(entry);
    for (; place > 0; place -= 1) {
      const older = entries[place - 1];
      if (!older || older.summary.madeAtMs <= summary.madeAtMs) break;
      entries[place] = older;
    }
    entries[place] = entry;
    if (entries.length > ENTRIES_MAX) {
      this.#entries = entries.filter(isCurrent).slice(-ENTRIES_KEPT);
    }
  }

  /** Visits the freshest first, those made at `sinceMs` or later, while `visit` returns true. */
  visit(sinceMs: number, visit: (records: HostRecords) => boolean): void {
    for (let place = this.#entries.length - 1; place >= 0; place -= 1) {
      const entry = this.#entries[place];
      if (!entry || entry.summary.madeAtMs < sinceMs) return;
      if (isCurrent(entry) && !visit(entry.records)) return;
    }
  }
}

function isCurrent({ records, summary }: { records: HostRecords; summary: unknown }): boolean {
  return records.summary === summary;
}
