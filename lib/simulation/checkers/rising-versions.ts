import { compareRecordVersions, type HostRecord, type RecordVersion } from "../../model/record.ts";
import type { SimFact } from "../sim-fact.ts";
import type { Checker } from "./checker.ts";

/** What a host says of itself only ever gets newer, over restarts too: never the same twice, anew. */
export class RisingVersions implements Checker {
  readonly name = "rising-versions";
  readonly #last = new Map<string, HostRecord>();
  readonly #forgotten = new Set<string>();

  observe(fact: SimFact): string | undefined {
    // A host without its disk learns its versions from the others, if there are any to ask.
    if (fact.type === "hostCrashed" && fact.diskLost) {
      this.#forgotten.add(`${fact.host} summary`).add(`${fact.host} inventory`);
    }
    if (fact.type !== "sent" || fact.message.type !== "delta") return undefined;
    for (const record of fact.message.records) {
      const objection = record.host === fact.host ? this.#published(record) : undefined;
      if (objection !== undefined) return objection;
    }
    return undefined;
  }

  settled(): undefined {
    return undefined;
  }

  #published(record: HostRecord): string | undefined {
    const key = `${record.host} ${record.kind}`;
    const last = this.#last.get(key);
    this.#last.set(key, record);
    if (!last || record === last) return undefined;
    const order = compareRecordVersions(record, last);
    const said = `${record.host}'s ${record.kind} ${textOf(record)} after ${textOf(last)}`;
    const changed = order === 0 && JSON.stringify(record.body) !== JSON.stringify(last.body);
    if (order > 0 || (order === 0 && !changed) || this.#forgotten.delete(key)) return undefined;
    return changed ? `${said}: another text under one version` : `${said}: it fell`;
  }
}

function textOf({ incarnation, seq }: RecordVersion): string {
  return `(${incarnation}, ${seq})`;
}
