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

/** A summary, which has a place among the freshest for as long as its host's records hold it. */
export interface ReceivedSummary extends Received<SummaryRecord> {
  readonly records: HostRecords;
}

/**
 * What is known of one host: its newest record of each kind. The versions stand beside them, since
 * every exchange compares those of a hundred hosts, and most of its time goes into fetching them.
 */
export interface HostRecords {
  readonly host: HostId;
  /** Number of the exchange that named or gave it last: a mark costs less than a set. */
  markedIn: number;
  summaryIncarnation: number;
  summarySeq: number;
  inventoryIncarnation: number;
  inventorySeq: number;
  summary: ReceivedSummary | undefined;
  inventory: Received<InventoryRecord> | undefined;
  /** When the VMs that its inventory shows running, migrating or paused changed last. */
  shownSinceMs: number;
  /** Index in the table's list. */
  place: number;
}

/** Nothing known yet: versions of -1. */
export function noRecordsOf(host: HostId, place: number): HostRecords {
  return {
    host,
    markedIn: -1,
    summaryIncarnation: -1,
    summarySeq: -1,
    inventoryIncarnation: -1,
    inventorySeq: -1,
    summary: undefined,
    inventory: undefined,
    shownSinceMs: 0,
    place,
  };
}

/** Of its summary; without one it is the oldest of all. */
export function madeAtMsOf({ summary }: HostRecords): number {
  return summary?.madeAtMs ?? Number.NEGATIVE_INFINITY;
}

/** What is known of a host as a digest names it; undefined records are (-1, -1). */
export function digestEntryOf(host: HostId, records: HostRecords | undefined): DigestEntry {
  if (!records) return [host, -1, -1, -1, -1];
  const { summaryIncarnation, summarySeq, inventoryIncarnation, inventorySeq } = records;
  return [host, summaryIncarnation, summarySeq, inventoryIncarnation, inventorySeq];
}

function summaryVersion(entry: DigestEntry): RecordVersion {
  return { incarnation: entry[1], seq: entry[2] };
}

function inventoryVersion(entry: DigestEntry): RecordVersion {
  return { incarnation: entry[3], seq: entry[4] };
}

/** Positive when ours is newer than theirs, negative when older. */
export function compareSummaries(ours: HostRecords, theirs: DigestEntry): number {
  return ours.summaryIncarnation - theirs[1] || ours.summarySeq - theirs[2];
}

export function compareInventories(ours: HostRecords, theirs: DigestEntry): number {
  return ours.inventoryIncarnation - theirs[3] || ours.inventorySeq - theirs[4];
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
