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
import { Bearers } from "./bearers.ts";
import { boundAnswer } from "./bound-answer.ts";
import { contestedVms, showTheSame } from "./contested-vms.ts";
import type { DocumentAnswer, DocumentDigest } from "./documents.ts";
import { Documents } from "./documents.ts";
import { FreshList } from "./fresh-list.ts";
import { Growth } from "./growth.ts";
import type { HostRecords, Received } from "./host-records.ts";
import { digestEntryOf, holdsNewer, madeAtMsOf, recordsNewerThan } from "./host-records.ts";
import { HostTable } from "./host-table.ts";
import type { ViewParams } from "./params.ts";
import { PartialExchange } from "./partial-exchange.ts";
import { Vastness } from "./vastness.ts";

export interface ViewOptions {
  readonly self: HostId;
  readonly params: ViewParams;
  /** What holds instead where there are more hosts than `params` lets it remember. */
  readonly vastParams?: ViewParams;
  /** True while it should remember as many as it can even then. */
  readonly mustKnowMany?: () => boolean;
  /** True for a host that must not give way to a newcomer in a full view. */
  readonly keeps?: (host: HostId) => boolean;
  /** A host gave way to a newcomer: nothing is known of it any more. */
  readonly displaced?: (host: HostId) => void;
}

/** Of so many hosts the first not heard of for a while gives way: looking at all costs too much. */
const displacedTries = 16;

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
  readonly #options: ViewOptions;
  #params: ViewParams;
  readonly #table = new HostTable();
  readonly #fresh = new FreshList();
  readonly #partial: PartialExchange;
  /** What dropped hosts had published, so that a slower member does not bring them back. */
  readonly #dropped = new Map<HostId, DigestEntry>();
  readonly #documents = new Documents();
  readonly #bearers = new Bearers();
  readonly #growth = new Growth();
  readonly #vastness: Vastness;
  /** Hosts whose summary is here: an inventory may come first. */
  #summaries = 0;
  /** Of the last record. */
  #nowMs = 0;

  constructor(options: ViewOptions) {
    const { self, params } = options;
    this.#self = self;
    this.#params = params;
    this.#options = options;
    this.#vastness = new Vastness(params.hostsMax);
    const current = () => this.#params;
    this.#partial = new PartialExchange({
      ...{ self, table: this.#table, fresh: this.#fresh },
      get params() {
        return current();
      },
      strangerNamed: (host) => this.#vastness.heard(host),
    });
  }

  /** True where there are more hosts than everybody can be up to date about. */
  get isLarge(): boolean {
    return this.#table.size > this.#params.fullHostsMax;
  }

  /** True where there are many hosts and this member still learns who they are. */
  get isGrowing(): boolean {
    const { size } = this.#table;
    // A view that is full meets others for ever.
    const isPart = this.isLarge && size < this.#params.hostsMax;
    return isPart && this.#growth.isGrowing(this.#summaries, size, this.#nowMs);
  }

  /** True when more than one host bears this name. */
  isShared(name: string): boolean {
    if (!this.#bearers.maybeShared(name)) return false;
    let bearers = 0;
    for (const { summary } of this.#table.all()) {
      if (summary?.record.body.name === name) bearers += 1;
    }
    return bearers > 1;
  }

  /** Names that more than one host bears, in order. */
  sharedNames(): readonly string[] {
    const names = this.#table.all().flatMap(({ summary }) => summary?.record.body.name ?? []);
    const suspicious = names.filter((name) => this.#bearers.maybeShared(name));
    return [...new Set(suspicious)].filter((name) => this.isShared(name)).sort();
  }

  /** `ageMs`: how long ago its host made the record, as far as the sender could say. */
  merge(record: HostRecord, nowMs: number, ageMs = 0): MergeResult {
    const known = this.#table.get(record.host);
    if (known ? !isNews(record, known) : this.#wasDropped(record)) return "stale";
    if (record.host === this.#self) return "own";
    if (!known && !this.#makesRoom(record, nowMs - ageMs)) return "stale";
    this.#store(record, known, { nowMs, ageMs });
    return "new";
  }

  /** Replaces the own record of this kind. The caller raises incarnation or seq each time. */
  publishOwn(record: HostRecord, nowMs: number): void {
    this.#store(record, this.#table.get(record.host), { nowMs, ageMs: 0 });
  }

  summaryOf(host: HostId): Received<SummaryRecord> | undefined {
    return this.#table.get(host)?.summary;
  }

  inventoryOf(host: HostId): Received<InventoryRecord> | undefined {
    return this.#table.get(host)?.inventory;
  }

  /** True where there are so many hosts that this member has given up knowing most of them. */
  get isVast(): boolean {
    return this.#params === this.#options.vastParams;
  }

  get size(): number {
    return this.#table.size;
  }

  /** The summaries made last, newest first: at most `countMax`, none older than `freshMs`. */
  freshest(countMax: number, nowMs: number): readonly SummaryRecord[] {
    const records: SummaryRecord[] = [];
    this.#fresh.visit(nowMs - this.#params.freshMs, ({ record }) => {
      records.push(record);
      return records.length < countMax;
    });
    return records;
  }

  /** Hosts of which anything is known, self included, by id. */
  hosts(): readonly HostId[] {
    return this.#table.hosts();
  }

  /** Forgets a host; only a record newer than those it had brings it back. */
  drop(host: HostId): void {
    const records = this.#table.get(host);
    if (!records) return;
    const entry = digestEntryOf(host, records);
    this.#forget(records);
    if (this.#dropped.size >= this.#params.droppedMax) {
      const oldest = this.#dropped.keys().next();
      if (!oldest.done) this.#dropped.delete(oldest.value);
    }
    this.#dropped.set(host, entry);
  }

  /**
   * What this member has, in at most `wireLimits.digestEntriesMax` entries: self first, then all
   * others, or a random part of them. Dropped hosts are named too, so that nobody sends them.
   * In a large view: the freshest and a random rest.
   */
  digest(prng: Prng): DigestEntry[] {
    if (this.isLarge) return this.#partial.digest(prng);
    const others = this.hosts().filter((host) => host !== this.#self);
    for (const host of this.#dropped.keys()) others.push(host);
    const room = wireLimits.digestEntriesMax - 1;
    const chosen = others.length <= room ? others : prng.sample(others, room);
    return [this.#self, ...chosen].map((host) => this.#entryOf(host));
  }

  /**
   * What the sender of a digest lacks, newest first, and what it should send in return.
   * `part`: the digest leaves out hosts that its sender knows, who may know few of them yet.
   */
  answer(
    entries: readonly DigestEntry[],
    nowMs = 0,
    part: false | "partial" | "growing" = false,
  ): DigestAnswer {
    const isPartial = part !== false;
    if (this.isLarge || isPartial) {
      const leavesOut = isPartial || entries.length >= wireLimits.digestEntriesMax;
      const options = { nowMs, isPartial: leavesOut, isGrowing: part === "growing" };
      const { given, wants } = this.#partial.answer(entries, options);
      this.#adopt(nowMs);
      return { records: boundAnswer(given, this.#params.answerVmsMax), wants };
    }
    const newer: Received<HostRecord>[] = [];
    const wants: DigestEntry[] = [];
    const named = new Set<HostId>();
    for (const theirs of entries) {
      const host = theirs[0];
      named.add(host);
      const records = this.#table.get(host);
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
      const records = this.#table.get(wish[0]);
      if (records) newer.push(...recordsNewerThan(wish, records));
    }
    return boundAnswer(newer, this.#params.answerVmsMax);
  }

  /** How long ago each record was made, ms, as far as it is known here: it goes along with it. */
  agesOf(records: readonly HostRecord[], nowMs: number): number[] {
    return records.map(({ host, kind }) => {
      const madeAtMs = this.#table.get(host)?.[kind]?.madeAtMs ?? nowMs;
      return Math.min(wireLimits.ageMsMax, Math.max(0, Math.round(nowMs - madeAtMs)));
    });
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
    return contestedVms(this.#table.all())
      .map((contested) => ({ ...contested, hosts: contested.hosts.filter(counts) }))
      .filter(({ hosts }) => hosts.length > 1);
  }

  #store(
    record: HostRecord,
    known: HostRecords | undefined,
    { nowMs, ageMs }: { nowMs: number; ageMs: number },
  ): void {
    const { host } = record;
    this.#nowMs = nowMs;
    const records = known ?? this.#table.add(host);
    if (!known) {
      this.#vastness.heard(host);
      this.#dropped.delete(host);
    }
    const receivedAtMs = Math.floor(nowMs);
    const madeAtMs = Math.floor(nowMs - ageMs);
    if (record.kind === "summary") {
      if (!records.summary) {
        this.#summaries += 1;
        this.#growth.met(nowMs);
      }
      this.#bearers.rename(records.summary?.record.body.name, record.body.name);
      records.summary = { records, record, receivedAtMs, madeAtMs };
      records.summaryIncarnation = record.incarnation;
      records.summarySeq = record.seq;
      this.#fresh.add(records.summary);
      return;
    }
    const before = records.inventory?.record;
    if (!before || !showTheSame(before, record)) records.shownSinceMs = receivedAtMs;
    records.inventory = { record, receivedAtMs, madeAtMs };
    records.inventoryIncarnation = record.incarnation;
    records.inventorySeq = record.seq;
  }

  #forget(records: HostRecords): void {
    this.#table.remove(records);
    if (records.summary) this.#summaries -= 1;
    this.#bearers.rename(records.summary?.record.body.name, undefined);
    records.summary = undefined;
  }

  /** Follows how many hosts there are: in a vast cluster those heard of longest ago are forgotten. */
  #adopt(nowMs: number): void {
    const { params, vastParams, mustKnowMany } = this.#options;
    this.#vastness.turn(this.#table.all(), nowMs);
    const isVast = vastParams && this.#vastness.isVast && !mustKnowMany?.();
    const now = isVast ? vastParams : params;
    if (now === this.#params) return;
    this.#params = now;
    const surplus = this.#table.size - now.hostsMax;
    if (surplus <= 0) return;
    const oldestFirst = [...this.#table.all()].sort((a, b) => madeAtMsOf(a) - madeAtMsOf(b));
    for (const records of oldestFirst.filter((one) => this.#mayGo(one)).slice(0, surplus)) {
      this.#giveUp(records);
    }
  }

  /** In a full view a fresh summary of a stranger displaces a host not heard of for a while. */
  #makesRoom(record: HostRecord, madeAtMs: number): boolean {
    if (this.#table.size < this.#params.hostsMax) return true;
    if (record.kind !== "summary") return false;
    const oldMs = madeAtMs - this.#params.freshMs;
    for (let tries = 0; tries < displacedTries; tries += 1) {
      const records = this.#table.next();
      if (!records || madeAtMsOf(records) >= oldMs || !this.#mayGo(records)) continue;
      this.#giveUp(records);
      return true;
    }
    return false;
  }

  #mayGo({ host }: HostRecords): boolean {
    return host !== this.#self && this.#options.keeps?.(host) !== true;
  }

  #giveUp(records: HostRecords): void {
    this.#forget(records);
    this.#options.displaced?.(records.host);
  }

  #wasDropped(record: HostRecord): boolean {
    const entry = this.#dropped.get(record.host);
    if (!entry) return false;
    const at = record.kind === "summary" ? 1 : 3;
    const [incarnation, seq] = [entry[at], entry[at + 1]] as [number, number];
    return compareRecordVersions(record, { incarnation, seq }) <= 0;
  }

  #entryOf(host: HostId): DigestEntry {
    return this.#dropped.get(host) ?? digestEntryOf(host, this.#table.get(host));
  }

  #addUnnamed(named: ReadonlySet<HostId>, newer: Received<HostRecord>[]): void {
    for (const { host, summary, inventory } of this.#table.all()) {
      if (named.has(host)) continue;
      if (summary) newer.push(summary);
      if (inventory) newer.push(inventory);
    }
  }
}

function isNews(record: HostRecord, known: HostRecords): boolean {
  const [incarnation, seq] =
    record.kind === "summary"
      ? [known.summaryIncarnation, known.summarySeq]
      : [known.inventoryIncarnation, known.inventorySeq];
  return (record.incarnation - incarnation || record.seq - seq) > 0;
}
