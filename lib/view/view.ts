import type { Prng } from "../base/prng.ts";
import type { HostId, VmName } from "../model/ids.ts";
import type {
  ClusterDocument,
  HostRecord,
  InventoryRecord,
  SummaryRecord,
} from "../model/record.ts";
import type { MemberState } from "../model/verdict.ts";
import type { DigestEntry, DigestMessage } from "../wire/messages.ts";
import type { ViewParams } from "./params.ts";

export interface ViewOptions {
  readonly self: HostId;
  readonly params: ViewParams;
}

/** A record with its age by the receiver's monotonic clock: nobody's wall clock is trusted. */
export interface Received<Record extends HostRecord> {
  readonly record: Record;
  readonly receivedAtMs: number;
}

/** `own`: a record of self, from outside, newer than what self published (clone, old backup). */
export type MergeResult = "new" | "stale" | "own";

export interface DigestAnswer {
  readonly records: readonly HostRecord[];
  readonly wants: readonly DigestEntry[];
}

export interface DocumentAnswer {
  readonly documents: readonly ClusterDocument[];
  readonly wantsDocuments: readonly string[];
}

export type DocumentDigest = DigestMessage["documents"];

export interface Duplicate {
  readonly vm: VmName;
  readonly hosts: readonly HostId[];
  /** Since when two records have shown it; a move shows so for as long as gossip takes. */
  readonly sinceMs: number;
}

export class View {
  constructor(_options: ViewOptions) {}
  merge(_record: HostRecord, _nowMs: number): MergeResult {
    return "stale";
  }
  publishOwn(_record: HostRecord, _nowMs: number): void {}
  summaryOf(_host: HostId): Received<SummaryRecord> | undefined {
    return undefined;
  }
  inventoryOf(_host: HostId): Received<InventoryRecord> | undefined {
    return undefined;
  }
  hosts(): readonly HostId[] {
    return [];
  }
  drop(_host: HostId): void {}
  digest(_prng: Prng): DigestEntry[] {
    return [];
  }
  answer(_entries: readonly DigestEntry[]): DigestAnswer {
    return { records: [], wants: [] };
  }
  recordsFor(_wants: readonly DigestEntry[]): readonly HostRecord[] {
    return [];
  }
  mergeDocument(_document: ClusterDocument): boolean {
    return false;
  }
  document(_name: string): ClusterDocument | undefined {
    return undefined;
  }
  documents(): readonly ClusterDocument[] {
    return [];
  }
  documentDigest(): DocumentDigest {
    return [];
  }
  documentsFor(_names: readonly string[]): readonly ClusterDocument[] {
    return [];
  }
  answerDocuments(_digest: DocumentDigest): DocumentAnswer {
    return { documents: [], wantsDocuments: [] };
  }
  duplicates(_stateOf: (host: HostId) => MemberState | undefined): readonly Duplicate[] {
    return [];
  }
}
