import { describe, expect, it } from "vitest";
import { journalEntry, journalKeys, journalValues } from "#lib/core/journal-keys.ts";

describe("journalEntry() and journalValues()", () => {
  it("write and read values by the rest of their key", () => {
    const lines = [
      journalEntry(journalKeys.vm("web"), { version: 1 }),
      journalEntry(journalKeys.vm("db"), undefined),
      journalEntry(journalKeys.draining, true),
    ];
    expect(lines[1]).toEqual({ key: "vm/db", value: null });
    expect([...journalValues(lines, "vm/")]).toEqual([["web", { version: 1 }]]);
    expect(journalValues(lines, "meta/").get("draining")).toBe(true);
  });

  it("throw on a line that is not what was written", () => {
    expect(() => journalValues([{ key: "vm/web", value: "{" }], "vm/")).toThrow(SyntaxError);
  });

  it("order the history's lines by their slot", () => {
    expect([journalKeys.history(7), journalKeys.history(120)].sort()).toEqual([
      "history/0007",
      "history/0120",
    ]);
  });
});
