import { fstatSync, statSync, writeFileSync } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { SqliteJournal, type SqliteJournalOptions } from "#agent/store/journal.ts";
import { JournalError } from "#agent/store/store-error.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

function journalPath(): string {
  return join(temporaryFolder(), "journal.db");
}

async function openJournal(
  path = journalPath(),
  options: Omit<SqliteJournalOptions, "path"> = {},
): Promise<SqliteJournal> {
  const journal = new SqliteJournal({ path, ...options });
  onTestFinished(() => journal.close());
  await journal.start();
  return journal;
}

/** A disk that syncs when it is told to, or fails to. */
class SlowDisk {
  /** Lengths of the -wal file at the begin of each sync. */
  readonly walBytes: number[] = [];
  readonly #underWay: { end(): void; fail(error: Error): void }[] = [];

  readonly sync = (wal: FileHandle): Promise<void> => {
    this.walBytes.push(fstatSync(wal.fd).size);
    return new Promise<void>((end, fail) => this.#underWay.push({ end, fail }));
  };

  async end(error?: Error): Promise<void> {
    await expect.poll(() => this.#underWay.length, { interval: 1, timeout: 10_000 }).toBe(1);
    const sync = this.#underWay.pop();
    if (error) sync?.fail(error);
    else sync?.end();
  }
}

function eventLoopTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

describe("SqliteJournal", () => {
  it("gives back what was written, in key order, over a restart", async () => {
    const path = journalPath();
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
    const path = journalPath();
    const journal = await openJournal(path);
    await journal.write([{ key: "a", value: "1" }]);
    for (const file of [path, `${path}-wal`]) expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it("keeps a second agent out, and lets it in once closed", async () => {
    const path = journalPath();
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
    const path = journalPath();
    const journal = await openJournal(path);
    const write = journal.write([{ key: "a", value: "1" }]);
    await Promise.all([journal.close(), write]);
    expect(await (await openJournal(path)).readAll()).toEqual([{ key: "a", value: "1" }]);
  });

  it("acknowledges a write only after a sync that began after its commit", async () => {
    const path = journalPath();
    const disk = new SlowDisk();
    const journal = await openJournal(path, { sync: disk.sync });
    const emptyBytes = statSync(`${path}-wal`).size;
    const acknowledged: string[] = [];
    const write = journal.write([{ key: "a", value: "1" }]);
    void write.then(() => acknowledged.push("a"));
    for (let turn = 0; turn < 20; turn += 1) await eventLoopTurn();
    expect(acknowledged).toEqual([]);
    expect(disk.walBytes).toHaveLength(1);
    expect(disk.walBytes[0]).toBeGreaterThan(emptyBytes);
    await disk.end();
    await write;
  });

  it("commits what comes during a sync together, and syncs it once", async () => {
    const disk = new SlowDisk();
    const journal = await openJournal(journalPath(), { sync: disk.sync });
    const acknowledged: string[] = [];
    const writes = ["a", "b", "c"].map(async (key) => {
      await journal.write([{ key, value: "1" }]);
      acknowledged.push(key);
    });
    await disk.end();
    await writes[0];
    expect(acknowledged).toEqual(["a"]);
    await disk.end();
    await Promise.all(writes);
    expect(acknowledged).toEqual(["a", "b", "c"]);
    expect(disk.walBytes).toHaveLength(2);
  });

  it("fails a write whose sync failed, those that wait for it, and all later ones", async () => {
    const path = journalPath();
    const disk = new SlowDisk();
    const journal = await openJournal(path, { sync: disk.sync });
    const first = journal.write([{ key: "a", value: "1" }]);
    const second = journal.write([{ key: "b", value: "1" }]);
    const broken = Object.assign(new Error("EIO: i/o error, fdatasync"), { code: "EIO" });
    const words = `${path}: cannot write the journal: input/output error (${broken.message})`;
    const rejections = [first, second].map((write) => expect(write).rejects.toThrow(words));
    await disk.end(broken);
    await Promise.all(rejections);
    await expect(journal.write([{ key: "c", value: "1" }])).rejects.toBeInstanceOf(JournalError);
    await expect(journal.readAll()).rejects.toThrow(words);
    expect(disk.walBytes).toHaveLength(1);
  });

  it("empties the -wal file once it is long and nobody waits", async () => {
    const path = journalPath();
    const journal = await openJournal(path, { walBytesIdleMax: 100_000 });
    const sizes: number[] = [];
    for (let index = 0; index < 100; index += 1) {
      await journal.write([{ key: `line/${index % 7}`, value: String(index).repeat(500) }]);
      await eventLoopTurn();
      sizes.push(statSync(`${path}-wal`).size);
    }
    expect(Math.max(...sizes)).toBeLessThan(120_000);
    expect(await journal.readAll()).toHaveLength(7);
  });

  it("empties the -wal file once it is far too long, whoever waits", async () => {
    const path = journalPath();
    const journal = await openJournal(path, { walBytesIdleMax: 20_000 });
    const sizes: number[] = [];
    // Two that take turns: one of them always waits.
    const writer = async (name: string) => {
      for (let index = 0; index < 100; index += 1) {
        await journal.write([{ key: `line/${name}`, value: String(index).repeat(500) }]);
        sizes.push(statSync(`${path}-wal`).size);
      }
    };
    await Promise.all([writer("a"), writer("b")]);
    expect(Math.max(...sizes)).toBeGreaterThan(40_000);
    expect(Math.max(...sizes)).toBeLessThan(100_000);
    expect(await journal.readAll()).toHaveLength(2);
  });
});
