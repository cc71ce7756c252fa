import { compareText } from "../base/ordered.ts";
import type { Prng } from "../base/prng.ts";
import type { HostId } from "../model/ids.ts";
import { type HostRecords, noRecordsOf } from "./host-records.ts";

/** What is known of each host: by its id, in order of ids, or any one by chance. */
export class HostTable {
  readonly #byHost = new Map<HostId, HostRecords>();
  readonly #list: HostRecords[] = [];
  #sorted: readonly HostId[] | null = null;
  #cursor = 0;

  get size(): number {
    return this.#list.length;
  }

  get(host: HostId): HostRecords | undefined {
    return this.#byHost.get(host);
  }

  /** In no meaningful order. */
  all(): readonly HostRecords[] {
    return this.#list;
  }

  /** By id. */
  hosts(): readonly HostId[] {
    this.#sorted ??= [...this.#byHost.keys()].sort(compareText);
    return this.#sorted;
  }

  add(host: HostId): HostRecords {
    const records = noRecordsOf(host, this.#list.length);
    this.#byHost.set(host, records);
    this.#list.push(records);
    this.#sorted = null;
    return records;
  }

  remove(records: HostRecords): void {
    this.#byHost.delete(records.host);
    const last = this.#list.pop();
    if (last && last !== records) {
      this.#list[records.place] = last;
      last.place = records.place;
    }
    this.#sorted = null;
  }

  pick(prng: Prng): HostRecords | undefined {
    return prng.pick(this.#list);
  }

  /** The next in turn. */
  next(): HostRecords | undefined {
    this.#cursor = (this.#cursor + 1) % Math.max(1, this.#list.length);
    return this.#list[this.#cursor];
  }

  /** The next few in turn, so that everybody comes up in the end. */
  nextFew(count: number): HostRecords[] {
    const few: HostRecords[] = [];
    for (let taken = 0; taken < count && taken < this.#list.length; taken += 1) {
      const records = this.next();
      if (records) few.push(records);
    }
    return few;
  }
}
