import type { HostId } from "../../model/ids.ts";
import { compareRecordVersions, type HostRecord, type RecordVersion } from "../../model/record.ts";
import type { SimFact } from "../sim-fact.ts";
import type { Checker } from "./checker.ts";

/**
 * What a host says of itself only ever gets newer, over restarts too: never the same twice, anew.
 * Nor does its journal ever go back: neither its incarnation, nor the version of a document.
 */
export class RisingVersions implements Checker {
  readonly name = "rising-versions";
  readonly facts = ["hostCrashed", "persisted", "sent"] as const;
  readonly #last = new Map<string, HostRecord>();
  readonly #forgotten = new Set<string>();
  readonly #written = new Map<HostId, Map<string, number>>();

  observe(fact: SimFact): string | undefined {
    if (fact.type === "hostCrashed" && fact.diskLost) this.#diskLost(fact.host);
    if (fact.type === "persisted") return this.#onPersisted(fact);
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

  /** It learns its versions from the others, if there are any to ask. */
  #diskLost(host: HostId): void {
    this.#forgotten.add(`${host} summary`).add(`${host} inventory`);
    this.#written.delete(host);
  }

  #onPersisted({ host, entries }: Extract<SimFact, { type: "persisted" }>): string | undefined {
    for (const { key, value } of entries) {
      if (value === null || !(key === "meta/incarnation" || key.startsWith("doc/"))) continue;
      const parsed = JSON.parse(value) as number | { version: number };
      const version = typeof parsed === "number" ? parsed : parsed.version;
      const written = this.#written.get(host) ?? new Map<string, number>();
      this.#written.set(host, written);
      const last = written.get(key) ?? 0;
      written.set(key, version);
      if (version < last) return `${host}'s journal says ${key} ${version} after ${last}: it fell`;
    }
    return undefined;
  }

  #published(record: HostRecord): string | undefined {
    const key = `${record.host} ${record.kind}`;
    const last = this.#last.get(key);
    if (record === last) return undefined;
    this.#last.set(key, record);
    if (!last) return undefined;
    const order = compareRecordVersions(record, last);
    if (order > 0) return undefined;
    const changed = order === 0 && JSON.stringify(record.body) !== JSON.stringify(last.body);
    if ((order === 0 && !changed) || this.#forgotten.delete(key)) return undefined;
    const said = `${record.host}'s ${record.kind} ${textOf(record)} after ${textOf(last)}`;
    return changed ? `${said}: another text under one version` : `${said}: it fell`;
  }
}

function textOf({ incarnation, seq }: RecordVersion): string {
  return `(${incarnation}, ${seq})`;
}
