import { describe, expect, it } from "vitest";
import { explainSqliteError } from "#agent/store/sqlite-error.ts";

const cases = [
  {
    name: "lock",
    error: { errcode: 5, message: "database is locked" },
    says: /another agent runs/,
  },
  { name: "full disk", error: { errcode: 13, message: "disk is full" }, says: /free space/ },
  {
    name: "read-only file",
    error: { errcode: 8 + (1 << 8), message: "readonly" },
    says: /writable/,
  },
  { name: "disk error", error: { errcode: 10 + (4 << 8), message: "I/O" }, says: /check the disk/ },
  { name: "damage", error: { errcode: 11, message: "malformed" }, says: /move it aside/ },
  { name: "another file", error: { errcode: 26, message: "not a database" }, says: /is damaged/ },
  {
    name: "full disk at creation",
    error: Object.assign(new Error("no space"), { code: "ENOSPC" }),
    says: /no space left/,
  },
  {
    name: "disk error at a sync",
    error: Object.assign(new Error("i/o error"), { code: "EIO" }),
    says: /check the disk/,
  },
  { name: "anything else", error: new Error("odd"), says: /cannot write the journal: odd$/ },
];

describe("explainSqliteError()", () => {
  it.each(cases)("names file, failure and remedy of a $name", ({ error, says }) => {
    const line = explainSqliteError("/state/journal.db", "write", error);
    expect(line).toMatch(/^\/state\/journal\.db: cannot write the journal: /);
    expect(line).toMatch(says);
    expect(line).not.toContain("\n");
  });
});
