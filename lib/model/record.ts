import type { HostSummary } from "./host.ts";
import type { HostId } from "./ids.ts";
import type { MemberNews, SwitchNews } from "./member-news.ts";
import type { MoveOutcome } from "./move-outcome.ts";
import type { VmEntry } from "./vm.ts";

/** Order of what one host says of itself: the highest (incarnation, seq) wins. */
export interface RecordVersion {
  readonly incarnation: number;
  readonly seq: number;
}

export interface SummaryRecord extends RecordVersion {
  readonly kind: "summary";
  readonly host: HostId;
  readonly body: HostSummary;
}

export interface InventoryRecord extends RecordVersion {
  readonly kind: "inventory";
  readonly host: HostId;
  readonly body: {
    readonly vms: readonly VmEntry[];
    /** The last few moves that this host was the source of, newest first, at most 8. */
    readonly outcomes: readonly MoveOutcome[];
    /** Own members of services; left out by a host that takes no part in them. */
    readonly members?: readonly MemberNews[];
    /** What the own switch shows of services; left out by a host without one. */
    readonly switch?: readonly SwitchNews[];
  };
}

/**
 * What a host says of itself, signed by it. Records are immutable and shared; the transport keeps
 * the signed bytes of each beside it and forwards them as they came.
 */
export type HostRecord = SummaryRecord | InventoryRecord;

/** Negative when `a` is older than `b`, 0 when equal, positive when newer. */
export function compareRecordVersions(a: RecordVersion, b: RecordVersion): number {
  return a.incarnation - b.incarnation || a.seq - b.seq;
}

/** Cluster-wide documents: one register each, highest (version, hash) wins on every host. */
export interface ClusterDocument {
  readonly name: string;
  readonly version: number;
  /** Hex digest of the value, made by its author; breaks ties the same way everywhere. */
  readonly hash: string;
  readonly author: HostId;
  /** JSON text, at most 16 KiB; its meaning is the reader's. */
  readonly value: string;
}

/** Positive when `a` replaces `b`. */
export function compareDocuments(a: ClusterDocument, b: ClusterDocument): number {
  return a.version - b.version || (a.hash < b.hash ? -1 : a.hash > b.hash ? 1 : 0);
}
