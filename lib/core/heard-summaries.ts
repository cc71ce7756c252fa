import type { SummaryRecord } from "../model/record.ts";

/** Of more than these no look makes use; what is left out is seen when all is worked out anew. */
const heardMax = 256;

/** Summaries that came since somebody asked last, oldest first. */
export class HeardSummaries {
  #records: SummaryRecord[] = [];

  add(record: SummaryRecord): void {
    if (this.#records.length < heardMax) this.#records.push(record);
  }

  take(): readonly SummaryRecord[] {
    const records = this.#records;
    if (records.length > 0) this.#records = [];
    return records;
  }
}
