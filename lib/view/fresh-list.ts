import type { SummaryRecord } from "../model/record.ts";
import type { FreshEntry, HostRecords, Received } from "./host-records.ts";

/** Entries beyond which superseded and old ones are cleared away. */
const ENTRIES_MAX = 512;
const ENTRIES_KEPT = 256;

/**
 * Which summaries were made last. Where thousands of hosts are known, the freshest must be found
 * without looking at all. Entries of hosts that have published anew since are passed over.
 */
export class FreshList {
  /** In order of `madeAtMs`, oldest first. */
  #entries: FreshEntry[] = [];

  /** Takes the place of the host's entry before. */
  add(records: HostRecords, { record, madeAtMs }: Received<SummaryRecord>): void {
    this.remove(records);
    const entries = this.#entries;
    const entry = { records, record, madeAtMs, isCurrent: true };
    records.fresh = entry;
    let place = entries.length;
    entries.push(entry);
    for (; place > 0; place -= 1) {
      const older = entries[place - 1];
      if (!older || older.madeAtMs <= madeAtMs) break;
      entries[place] = older;
    }
    entries[place] = entry;
    if (entries.length > ENTRIES_MAX) {
      const current = entries.filter(({ isCurrent }) => isCurrent);
      this.#entries = current.splice(-ENTRIES_KEPT);
      for (const old of current) this.remove(old.records);
    }
  }

  remove(records: HostRecords): void {
    if (records.fresh) records.fresh.isCurrent = false;
    records.fresh = undefined;
  }

  /** Visits the freshest first, those made at `sinceMs` or later, while `visit` returns true. */
  visit(sinceMs: number, visit: (entry: FreshEntry) => boolean): void {
    for (let place = this.#entries.length - 1; place >= 0; place -= 1) {
      const entry = this.#entries[place];
      if (!entry || entry.madeAtMs < sinceMs) return;
      if (entry.isCurrent && !visit(entry)) return;
    }
  }
}
