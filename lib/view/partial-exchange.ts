import type { Prng } from "../base/prng.ts";
import type { HostId } from "../model/ids.ts";
import type { HostRecord } from "../model/record.ts";
import type { DigestEntry } from "../wire/messages.ts";
import type { FreshList } from "./fresh-list.ts";
import {
  compareInventories,
  compareSummaries,
  digestEntryOf,
  type HostRecords,
  type Received,
} from "./host-records.ts";
import type { HostTable } from "./host-table.ts";
import type { ViewParams } from "./params.ts";

/** An answer to a digest that left most hosts out. */
export interface PartialAnswer {
  readonly given: readonly Received<HostRecord>[];
  readonly wants: readonly DigestEntry[];
}

export interface PartialExchangeOptions {
  readonly self: HostId;
  /** As they are at each exchange: they change with the number of hosts. */
  readonly params: ViewParams;
  readonly table: HostTable;
  readonly fresh: FreshList;
  /** Somebody named a host of whom nothing is known here. */
  readonly strangerNamed?: (host: HostId) => void;
}

/**
 * Push-pull among more hosts than one member can keep up with: what it receives and verifies is the
 * same at any size. The freshest summaries go first, so that each member is up to date about those
 * within a few hops; a random rest sees to it that nobody is forgotten.
 */
export class PartialExchange {
  readonly #options: PartialExchangeOptions;
  #mark = 0;

  constructor(options: PartialExchangeOptions) {
    this.#options = options;
  }

  /** Self first, then the freshest, newest first, then others at random. */
  digest(prng: Prng): DigestEntry[] {
    const { self, params, table, fresh } = this.#options;
    this.#mark += 1;
    const own = table.get(self);
    if (own) own.markedIn = this.#mark;
    const entries = [digestEntryOf(self, own)];
    const name = (records: HostRecords) => {
      if (records.markedIn !== this.#mark) entries.push(digestEntryOf(records.host, records));
      records.markedIn = this.#mark;
    };
    fresh.visit(Number.NEGATIVE_INFINITY, ({ records }) => {
      name(records);
      return entries.length <= params.freshNamedMax;
    });
    for (let tries = entries.length; tries < params.partialEntriesMax; tries += 1) {
      const records = table.pick(prng);
      if (records) name(records);
    }
    return entries;
  }

  /**
   * What to give to the sender of a digest and what to ask of it. `isPartial`: it may well know
   * those that it did not name; otherwise it is new here and is given as much as a message holds.
   * `isGrowing`: it knows many, but far from all: it is given others at random, as many.
   */
  answer(
    entries: readonly DigestEntry[],
    options: { nowMs: number; isPartial: boolean; isGrowing?: boolean },
  ): PartialAnswer {
    this.#mark += 1;
    const wishes = new Wishes(this.#options.params);
    const given: Received<HostRecord>[] = [];
    const lacking: HostRecords[] = [];
    let inventories = this.#options.params.restGivenMax;
    for (const [index, theirs] of entries.entries()) {
      const records = this.#options.table.get(theirs[0]);
      if (this.#mayWish(records, index)) wishes.consider(theirs, records, index);
      if (!records) {
        this.#options.strangerNamed?.(theirs[0]);
        continue;
      }
      // What they lack is left unmarked, so that it counts among what they did not name.
      if (compareSummaries(records, theirs) > 0) lacking.push(records);
      else records.markedIn = this.#mark;
      if (inventories === 0 || compareInventories(records, theirs) <= 0) continue;
      inventories -= 1;
      if (records.inventory) given.push(records.inventory);
    }
    this.#giveFresh(given, options);
    this.#giveRest(given, lacking);
    if (options.isGrowing) this.#giveMany(given);
    return { given, wants: wishes.all };
  }

  /** In a full view nobody of the random rest takes another's place. */
  #mayWish(records: HostRecords | undefined, index: number): boolean {
    const { table, params } = this.#options;
    return records !== undefined || table.size < params.hostsMax || index <= params.freshNamedMax;
  }

  /** The freshest that they lack or did not name. */
  #giveFresh(
    given: Received<HostRecord>[],
    { nowMs, isPartial }: { nowMs: number; isPartial: boolean },
  ): void {
    const { params, fresh } = this.#options;
    const sinceMs = isPartial ? nowMs - params.freshMs : Number.NEGATIVE_INFINITY;
    let room = isPartial ? params.freshGivenMax : params.newcomerGivenMax;
    fresh.visit(sinceMs, ({ records }) => {
      if (records.markedIn === this.#mark) return true;
      records.markedIn = this.#mark;
      if (records.summary) given.push(records.summary);
      room -= 1;
      return room > 0;
    });
  }

  /** It cannot name all that it knows: what it is given at random it lacks in part. */
  #giveMany(given: Received<HostRecord>[]): void {
    const { params, table } = this.#options;
    for (const records of table.nextFew(params.newcomerGivenMax)) {
      if (given.length >= params.newcomerGivenMax) return;
      if (records.summary && records.markedIn !== this.#mark) given.push(records.summary);
    }
  }

  #giveRest(given: Received<HostRecord>[], lacking: readonly HostRecords[]): void {
    let room = this.#options.params.restGivenMax;
    // The last named were named at random.
    for (let index = lacking.length - 1; index >= 0 && room > 0; index -= 1) {
      const records = lacking[index];
      if (!records?.summary || records.markedIn === this.#mark) continue;
      given.push(records.summary);
      room -= 1;
    }
  }
}

/** What to ask for: of the freshest named, a few of the rest, and few inventories. */
class Wishes {
  readonly all: DigestEntry[] = [];
  readonly #params: ViewParams;
  #fresh: number;
  #rest: number;
  #inventories: number;

  constructor(params: ViewParams) {
    this.#params = params;
    this.#fresh = params.freshGivenMax;
    this.#rest = params.restGivenMax;
    this.#inventories = params.restGivenMax;
  }

  consider(theirs: DigestEntry, records: HostRecords | undefined, index: number): void {
    const isNewer = !records || compareSummaries(records, theirs) < 0;
    const lists = records ? compareInventories(records, theirs) < 0 : theirs[3] >= 0;
    const wantsSummary = isNewer && this.#hasRoom(index);
    const wantsInventory = lists && this.#inventories > 0;
    if (!wantsSummary && !wantsInventory) return;
    if (wantsSummary) this.#take(index);
    if (wantsInventory) this.#inventories -= 1;
    const ours = digestEntryOf(theirs[0], records);
    // What is not asked for is named as known.
    const summaryPart = wantsSummary ? ours : theirs;
    const inventoryPart = wantsInventory ? ours : theirs;
    this.all.push([theirs[0], summaryPart[1], summaryPart[2], inventoryPart[3], inventoryPart[4]]);
  }

  #hasRoom(index: number): boolean {
    return (index <= this.#params.freshNamedMax ? this.#fresh : this.#rest) > 0;
  }

  #take(index: number): void {
    if (index <= this.#params.freshNamedMax) this.#fresh -= 1;
    else this.#rest -= 1;
  }
}
