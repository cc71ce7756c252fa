import { compareText } from "../base/ordered.ts";
import type { Prng } from "../base/prng.ts";
import type { HostId, VmName } from "../model/ids.ts";
import type {
  ClusterDocument,
  HostRecord,
  InventoryRecord,
  SummaryRecord,
} from "../model/record.ts";
import { compareRecordVersions } from "../model/record.ts";
import type { MemberState } from "../model/verdict.ts";
import { wireLimits } from "../wire/limits.ts";
import type { DigestEntry } from "../wire/messages.ts";
import { boundAnswer } from "./bound-answer.ts";
import type { DocumentAnswer, DocumentDigest } from "./documents.ts";
import { Documents } from "./documents.ts";
import type { HostRecords, Received } from "./host-records.ts";
import {
  digestEntryOf,
  holdsNewer,
  inventoryVersion,
  recordsNewerThan,
  summaryVersion,
} from "./host-records.ts";
import type { ViewParams } from "./params.ts";
import { VmIndex } from "./vm-index.ts";

export interface ViewOptions {
  readonly self: HostId;
  readonly params: ViewParams;
}

/** `own`: a record of self, from outside, newer than what self published (clone, old backup). */
export type MergeResult = "new" | "stale" | "own";

export interface DigestAnswer {
  readonly records: readonly HostRecord[];
  readonly wants: readonly DigestEntry[];
}

export interface Duplicate {
  readonly vm: VmName;
  readonly hosts: readonly HostId[];
  /** Since when two records have shown it; every move shows so for as long as gossip takes. */
  readonly sinceMs: number;
}

/**
 * What this member believes of all hosts: the newest record of each kind that each host signed.
 * One writer a host, the highest (incarnation, seq) wins, so merging is commutative, associative
 * and idempotent. It knows nothing of who is alive.
 */
export class View {
  readonly #self: HostId;
  readonly #params: ViewParams;
  readonly #hosts = new Map<HostId, HostRecords>();
  /** What dropped hosts had published, so that a slower member does not bring them back. */
  readonly #dropped = new Map<HostId, DigestEntry>();
  readonly #documents = new Documents();
  readonly #vmIndex = new VmIndex();
  #sorted: readonly HostId[] | null = null;

  constructor(options: ViewOptions) {
    this.#self = options.self;
    this.#params = options.params;
  }

  merge(record: HostRecord, nowMs: number): MergeResult {
    if (compareRecordVersions(record, this.#versionOf(record)) <= 0) return "stale";
    if (record.host === this.#self) return "own";
    if (!this.#hosts.has(record.host) && this.#hosts.size >= this.#params.hostsMax) return "stale";
    this.#store(record, nowMs);
    return "new";
  }

  /** Replaces the own record of this kind. The caller raises incarnation or seq each time. */
  publishOwn(record: HostRecord, nowMs: number): void {
    this.#store(record, nowMs);
  }

  summaryOf(host: HostId): Received<SummaryRecord> | undefined {
    return this.#hosts.get(host)?.summary;
  }

  inventoryOf(host: HostId): Received<InventoryRecord> | undefined {
    return this.#hosts.get(host)?.inventory;
  }

  /** Hosts of which anything is known, self included, by id. */
  hosts(): readonly HostId[] {
    this.#sorted ??= [...this.#hosts.keys()].sort(compareText);
    return this.#sorted;
  }

  /** Forgets a host; only a record newer than those it had brings it back. */
  drop(host: HostId): void {
    const records = this.#hosts.get(host);
    if (!records) return;
    this.#hosts.delete(host);
    this.#sorted = null;
    this.#vmIndex.replace(records.inventory?.record, undefined, 0);
    if (this.#dropped.size >= this.#params.droppedMax) {
      const oldest = this.#dropped.keys().next();
      if (!oldest.done) this.#dropped.delete(oldest.value);
    }
    this.#dropped.set(host, digestEntryOf(host, records));
  }

  /**
   * What this member has, in at most `wireLimits.digestEntriesMax` entries: self first, then all
   * others, or a random part of them. Dropped hosts are named too, so that nobody sends them.
   */
  digest(prng: Prng): DigestEntry[] {
    const others = this.hosts().filter((host) => host !== this.#self);
    for (const host of this.#dropped.keys()) others.push(host);
    const room = wireLimits.digestEntriesMax - 1;
    const chosen = others.length <= room ? others : prng.sample(others, room);
    return [this.#self, ...chosen].map((host) => this.#entryOf(host));
  }

  /** What the sender of a digest lacks, newest first, and what it should send in return. */
  answer(entries: readonly DigestEntry[]): DigestAnswer {
    const newer: Received<HostRecord>[] = [];
    const wants: DigestEntry[] = [];
    const named = new Set<HostId>();
    for (const theirs of entries) {
      const host = theirs[0];
      named.add(host);
      const records = this.#hosts.get(host);
      if (records) newer.push(...recordsNewerThan(theirs, records));
      const ours = this.#entryOf(host);
      if (holdsNewer(theirs, ours)) wants.push(ours);
    }
    // A digest at its limit names a part only: what it does not name may well be known.
    if (entries.length < wireLimits.digestEntriesMax) this.#addUnnamed(named, newer);
    return { records: boundAnswer(newer, this.#params.answerVmsMax), wants };
  }

  /** Records newer than the wishes say, as `answer` bounds them. */
  recordsFor(wants: readonly DigestEntry[]): readonly HostRecord[] {
    const newer: Received<HostRecord>[] = [];
    for (const wish of wants) {
      const records = this.#hosts.get(wish[0]);
      if (records) newer.push(...recordsNewerThan(wish, records));
    }
    return boundAnswer(newer, this.#params.answerVmsMax);
  }

  /** True when it replaced an older version, or none. */
  mergeDocument(document: ClusterDocument): boolean {
    return this.#documents.merge(document);
  }

  document(name: string): ClusterDocument | undefined {
    return this.#documents.get(name);
  }

  /** All documents by name. */
  documents(): readonly ClusterDocument[] {
    return this.#documents.all();
  }

  documentDigest(): DocumentDigest {
    return this.#documents.digest();
  }

  /** Those of the names that are known, in the order asked. */
  documentsFor(names: readonly string[]): readonly ClusterDocument[] {
    return names.flatMap((name) => this.#documents.get(name) ?? []);
  }

  answerDocuments(digest: DocumentDigest): DocumentAnswer {
    return this.#documents.answer(digest);
  }

  /**
   * VMs that more than one host shows running, migrating or paused, hosts that are dead or left not
   * counted: by VM name. Versions are not asked: the highest must never hide the other.
   */
  duplicates(stateOf: (host: HostId) => MemberState | undefined): readonly Duplicate[] {
    const counts = (host: HostId) => {
      const state = stateOf(host);
      return host === this.#self || (state !== "dead" && state !== "left");
    };
    return this.#vmIndex
      .contested()
      .map((contested) => ({ ...contested, hosts: contested.hosts.filter(counts) }))
      .filter(({ hosts }) => hosts.length > 1);
  }

  #store(record: HostRecord, nowMs: number): void {
    const { host } = record;
    let records = this.#hosts.get(host);
    if (!records) {
      records = { summary: undefined, inventory: undefined };
      this.#hosts.set(host, records);
      this.#dropped.delete(host);
      this.#sorted = null;
    }
    if (record.kind === "summary") {
      records.summary = { record, receivedAtMs: nowMs };
      return;
    }
    this.#vmIndex.replace(records.inventory?.record, record, nowMs);
    records.inventory = { record, receivedAtMs: nowMs };
  }

  #entryOf(host: HostId): DigestEntry {
    return this.#dropped.get(host) ?? digestEntryOf(host, this.#hosts.get(host));
  }

  #versionOf(record: HostRecord) {
    const entry = this.#entryOf(record.host);
    return record.kind === "summary" ? summaryVersion(entry) : inventoryVersion(entry);
  }

  #addUnnamed(named: ReadonlySet<HostId>, newer: Received<HostRecord>[]): void {
    for (const [host, { summary, inventory }] of this.#hosts) {
      if (named.has(host)) continue;
      if (summary) newer.push(summary);
      if (inventory) newer.push(inventory);
    }
  }
}
