import { closeSync, openSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { assert } from "#lib/base/assert.ts";
import type { JournalEntry } from "#lib/core/effects.ts";
import { errnoOf } from "./node-error.ts";
import { explainSqliteError } from "./sqlite-error.ts";
import { JournalError } from "./store-error.ts";
import { syncFolder } from "./sync-folder.ts";

const FORMAT_VERSION = 1;
const PRIVATE_MODE = 0o600;

/**
 * EXCLUSIVE before WAL: the lock is then held until close or death, which keeps a second agent out,
 * and no shared-memory file is needed. WAL with NORMAL: a commit appends to the -wal file and syncs
 * nothing, FULL would only add a sync of that file after each commit; who writes does that, off
 * this thread. No checkpoint comes by itself: it syncs, so it has its times.
 */
const OPENING = `
  PRAGMA locking_mode = EXCLUSIVE;
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = NORMAL;
  PRAGMA wal_autocheckpoint = 0;
`;

/**
 * The journal's database, used from one thread only. Every call blocks, `open`, `checkpoint` and
 * `close` for the disk; all throw JournalError.
 */
export class JournalFile {
  /** Where commits go: there from the start to the close, always the same file. */
  readonly walPath: string;
  readonly #path: string;
  readonly #database: DatabaseSync;
  readonly #put: StatementSync;
  readonly #remove: StatementSync;

  /** What is found in the file is durable afterwards, also what was never acknowledged. */
  constructor(path: string) {
    this.#path = path;
    this.walPath = `${path}-wal`;
    this.#database = this.#attempt("open", () => openDatabase(path));
    this.#put = this.#database.prepare(
      "INSERT INTO line (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
    );
    this.#remove = this.#database.prepare("DELETE FROM line WHERE key = ?");
  }

  /** All lines, in key order (by bytes). */
  readAll(): JournalEntry[] {
    return this.#attempt("read", () =>
      this.#database
        .prepare("SELECT key, value FROM line ORDER BY key")
        .all()
        .map((row) => ({ key: String(row["key"]), value: String(row["value"]) })),
    );
  }

  /** One transaction: it outlives this process now, and the machine once the -wal file is synced. */
  commit(entries: readonly JournalEntry[]): void {
    this.#attempt("write", () => {
      this.#database.exec("BEGIN IMMEDIATE");
      try {
        for (const { key, value } of entries) {
          if (value === null) this.#remove.run(key);
          else this.#put.run(key, value);
        }
        this.#database.exec("COMMIT");
      } catch (cause) {
        if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
        throw cause;
      }
    });
  }

  /** How long the -wal file has become since the last checkpoint. */
  walBytes(): number {
    return this.#attempt("read", () => statSync(this.walPath).size);
  }

  /** Moves all commits into the database file and empties the -wal file; blocks for a few syncs. */
  checkpoint(): void {
    this.#attempt("write", () => checkpoint(this.#database));
  }

  /** Ends with a checkpoint. */
  close(): void {
    this.#attempt("close", () => this.#database.close());
  }

  #attempt<Result>(action: string, work: () => Result): Result {
    try {
      return work();
    } catch (cause) {
      if (cause instanceof JournalError) throw cause;
      throw new JournalError(explainSqliteError(this.#path, action, cause), { cause });
    }
  }
}

function openDatabase(path: string): DatabaseSync {
  createFile(path);
  const database = new DatabaseSync(path);
  try {
    database.exec(OPENING);
    checkFormat(path, database);
    checkPages(path, database);
    checkpoint(database);
    syncFolder(dirname(path));
  } catch (cause) {
    database.close();
    throw cause;
  }
  return database;
}

/**
 * SQLite would make the file with the process's umask; its WAL takes the same mode. A file that is
 * there is not touched, here or anywhere: closing any descriptor of it would drop the locks that
 * SQLite holds on it (sqlite.org/howtocorrupt.html, 2.2). The -wal file is never locked.
 */
function createFile(path: string): void {
  try {
    closeSync(openSync(path, "wx", PRIVATE_MODE));
  } catch (error) {
    if (errnoOf(error) !== "EEXIST") throw error;
  }
}

/** The first commit after a checkpoint syncs the -wal file's new head: so it is made here. */
function checkpoint(database: DatabaseSync): void {
  const answer = database.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get();
  assert(answer?.["busy"] === 0, "nobody else reads the journal");
  database.exec(`PRAGMA user_version = ${FORMAT_VERSION}`);
}

function checkFormat(path: string, database: DatabaseSync): void {
  const found = Number(database.prepare("PRAGMA user_version").get()?.["user_version"]);
  if (found > FORMAT_VERSION) {
    throw new JournalError(
      `${path}: written by a newer evenkeel (journal format ${found}, this one knows ` +
        `${FORMAT_VERSION}): install that version again`,
    );
  }
  database.exec(`
    BEGIN IMMEDIATE;
    CREATE TABLE IF NOT EXISTS line (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    PRAGMA user_version = ${FORMAT_VERSION};
    COMMIT;
  `);
}

function checkPages(path: string, database: DatabaseSync): void {
  const found = String(database.prepare("PRAGMA quick_check(1)").get()?.["quick_check"]);
  if (found === "ok") return;
  throw new JournalError(explainSqliteError(path, "check", { errcode: 11, message: found }));
}
