import type { HostId } from "../model/ids.ts";
import type { HostRecord, InventoryRecord, RecordVersion, SummaryRecord } from "../model/record.ts";
import { compareRecordVersions } from "../model/record.ts";
import type { DigestEntry } from "../wire/messages.ts";

/** A record with its age by the receiver's monotonic clock: nobody's wall clock is trusted. */
export interface Received<Record extends HostRecord> {
  readonly record: Record;
  /** Whole ms, here and below: many thousand are kept, and a fraction would take 16 bytes more. */
  readonly receivedAtMs: number;
  /** When its host made it, as far as those who passed it on can say; at most `receivedAtMs`. */
  readonly madeAtMs: number;
}

/** What is known of one host: its newest record of each kind. */
export interface HostRecords {
  readonly host: HostId;
  summary: Received<SummaryRecord> | undefined;
  inventory: Received<InventoryRecord> | undefined;
  /** Index in the table's list. */
  place: number;
  /** Number of the exchange that named or gave it last: a mark costs less than a set. */
  markedIn: number;
}

const NONE: RecordVersion = { incarnation: -1, seq: -1 };

/** What is known of `host` as a digest names it; undefined records are (-1, -1). */
export function digestEntryOf(
  host: HostId,
  records: Pick<HostRecords, "summary" | "inventory"> | undefined,
): DigestEntry {
  const summary = records?.summary?.record ?? NONE;
  const inventory = records?.inventory?.record ?? NONE;
  return [host, summary.incarnation, summary.seq, inventory.incarnation, inventory.seq];
}

export function summaryVersion(entry: DigestEntry): RecordVersion {
  return { incarnation: entry[1], seq: entry[2] };
}

export function inventoryVersion(entry: DigestEntry): RecordVersion {
  return { incarnation: entry[3], seq: entry[4] };
}

/** True when `a` holds something newer than `b`; both name the same host. */
export function holdsNewer(a: DigestEntry, b: DigestEntry): boolean {
  return (
    a[1] - b[1] > 0 ||
    (a[1] === b[1] && a[2] > b[2]) ||
    a[3] - b[3] > 0 ||
    (a[3] === b[3] && a[4] > b[4])
  );
}

/** The records that are newer than `entry` says. */
export function recordsNewerThan(
  entry: DigestEntry,
  records: Pick<HostRecords, "summary" | "inventory">,
): Received<HostRecord>[] {
  const newer: Received<HostRecord>[] = [];
  const { summary, inventory } = records;
  if (summary && compareRecordVersions(summary.record, summaryVersion(entry)) > 0)
    newer.push(summary);
  if (inventory && compareRecordVersions(inventory.record, inventoryVersion(entry)) > 0) {
    newer.push(inventory);
  }
  return newer;
}
