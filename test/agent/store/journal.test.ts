import { statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { SqliteJournal } from "#agent/store/journal.ts";
import { JournalError } from "#agent/store/store-error.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

async function openJournal(path = join(temporaryFolder(), "journal.db")): Promise<SqliteJournal> {
  const journal = new SqliteJournal({ path });
  onTestFinished(() => journal.close());
  await journal.start();
  return journal;
}

describe("SqliteJournal", () => {
  it("gives back what was written, in key order, over a restart", async () => {
    const path = join(temporaryFolder(), "journal.db");
    const first = await openJournal(path);
    await first.write([
      { key: "vm/b", value: "2" },
      { key: "vm/a", value: "1" },
      { key: "meta/seq", value: '{"seq":1}' },
    ]);
    await first.write([
      { key: "vm/b", value: null },
      { key: "vm/a", value: "changed" },
      { key: "vm/unknown", value: null },
    ]);
    const lines = [
      { key: "meta/seq", value: '{"seq":1}' },
      { key: "vm/a", value: "changed" },
    ];
    expect(await first.readAll()).toEqual(lines);
    await first.close();
    expect(await (await openJournal(path)).readAll()).toEqual(lines);
  });

  it("keeps the order of writes that wait for one another", async () => {
    const journal = await openJournal();
    const writes = Array.from({ length: 500 }, (_, index) =>
      journal.write([
        { key: "last", value: String(index) },
        { key: `line/${String(index).padStart(3, "0")}`, value: "x" },
      ]),
    );
    const read = journal.readAll();
    await Promise.all(writes);
    const lines = await read;
    expect(lines).toHaveLength(501);
    expect(lines[0]).toEqual({ key: "last", value: "499" });
  });

  it("is open to its owner alone", async () => {
    const path = join(temporaryFolder(), "journal.db");
    const journal = await openJournal(path);
    await journal.write([{ key: "a", value: "1" }]);
    for (const file of [path, `${path}-wal`]) expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it("keeps a second agent out, and lets it in once closed", async () => {
    const path = join(temporaryFolder(), "journal.db");
    const first = await openJournal(path);
    const second = new SqliteJournal({ path });
    onTestFinished(() => second.close());
    await expect(second.start()).rejects.toThrow(
      /is locked by another process.*another agent runs/,
    );
    await first.close();
    await openJournal(path);
  });

  it.each([
    ["another file", "not a database, but long enough to be taken for one ".repeat(20)],
    ["a torn file", `SQLite format 3\0${"\xff".repeat(2000)}`],
  ])("refuses %s with file and remedy", async (_name, text) => {
    const path = join(temporaryFolder(), "journal.db");
    writeFileSync(path, text, "latin1");
    await expect(openJournal(path)).rejects.toThrow(`${path}: cannot open the journal: is damaged`);
  });

  it("names the path when its folder is missing", async () => {
    const path = join(temporaryFolder(), "missing", "journal.db");
    await expect(openJournal(path)).rejects.toThrow(`${path}: cannot open the journal`);
    await expect(openJournal(path)).rejects.toBeInstanceOf(JournalError);
  });

  it("refuses calls before the start and after the end", async () => {
    const journal = new SqliteJournal({ path: join(temporaryFolder(), "journal.db") });
    await expect(journal.readAll()).rejects.toThrow(/not started/);
    await journal.start();
    await journal.close();
    await journal.close();
    await expect(journal.write([{ key: "a", value: "1" }])).rejects.toThrow(/closed/);
  });

  it("finishes what is queued before it closes", async () => {
    const path = join(temporaryFolder(), "journal.db");
    const journal = await openJournal(path);
    const write = journal.write([{ key: "a", value: "1" }]);
    await Promise.all([journal.close(), write]);
    expect(await (await openJournal(path)).readAll()).toEqual([{ key: "a", value: "1" }]);
  });
});
