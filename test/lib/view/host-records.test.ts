import { describe, expect, it } from "vitest";
import {
  digestEntryOf,
  type HostRecords,
  holdsNewer,
  noRecordsOf,
  recordsNewerThan,
} from "#lib/view/host-records.ts";
import { inventoryRecord, summaryRecord } from "../../support/view-records.ts";

const records = noRecordsOf("a", 0);
const known: HostRecords = {
  ...records,
  summaryIncarnation: 1,
  summarySeq: 4,
  inventoryIncarnation: 0,
  inventorySeq: 2,
  summary: { records, record: summaryRecord("a", 4, 1), receivedAtMs: 0, madeAtMs: 0 },
  inventory: { record: inventoryRecord("a", 2), receivedAtMs: 0, madeAtMs: 0 },
};

describe("digestEntryOf()", () => {
  it("names both versions, -1 for what is not known", () => {
    expect(digestEntryOf("a", known)).toEqual(["a", 1, 4, 0, 2]);
    expect(digestEntryOf("a", undefined)).toEqual(["a", -1, -1, -1, -1]);
  });
});

describe("holdsNewer()", () => {
  it.each([
    { name: "nothing newer", theirs: ["a", 1, 4, 0, 2], expected: false },
    { name: "a newer summary", theirs: ["a", 1, 5, 0, 2], expected: true },
    { name: "a summary of a later incarnation", theirs: ["a", 2, 0, 0, 0], expected: true },
    { name: "an older incarnation with a higher seq", theirs: ["a", 0, 9, 0, 2], expected: false },
    { name: "a newer inventory", theirs: ["a", 0, 0, 0, 3], expected: true },
  ] as const)("sees $name", ({ theirs, expected }) => {
    expect(holdsNewer(theirs, digestEntryOf("a", known))).toBe(expected);
  });
});

describe("recordsNewerThan()", () => {
  it("gives each kind that is newer", () => {
    expect(recordsNewerThan(["a", 1, 4, 0, 2], known)).toEqual([]);
    expect(recordsNewerThan(["a", 1, 3, 0, 2], known)).toEqual([known.summary]);
    expect(recordsNewerThan(["a", -1, -1, -1, -1], known)).toEqual([
      known.summary,
      known.inventory,
    ]);
  });
});
