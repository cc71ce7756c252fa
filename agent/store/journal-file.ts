import { closeSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { JournalEntry } from "#lib/core/effects.ts";
import { explainSqliteError } from "./sqlite-error.ts";
import { JournalError } from "./store-error.ts";
import { syncFolder } from "./sync-folder.ts";

const FORMAT_VERSION = 1;
const PRIVATE_MODE = 0o600;

/**
 * EXCLUSIVE before WAL: the lock is then held until close or death, which keeps a second agent out,
 * and no shared-memory file is needed. WAL with FULL costs one fsync a transaction, at commit.
 */
const OPENING = `
  PRAGMA locking_mode = EXCLUSIVE;
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
`;

/** The journal's database, used from one thread only. Every call blocks; all throw JournalError. */
export class JournalFile {
  readonly #path: string;
  readonly #database: DatabaseSync;
  readonly #put: StatementSync;
  readonly #remove: StatementSync;

  constructor(path: string) {
    this.#path = path;
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

  /** One transaction, durable when this returns. */
  write(entries: readonly JournalEntry[]): void {
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
  // SQLite would make the file with the process's umask; its WAL takes the same mode.
  closeSync(openSync(path, "a", PRIVATE_MODE));
  syncFolder(dirname(path));
  const database = new DatabaseSync(path);
  try {
    database.exec(OPENING);
    checkFormat(path, database);
    checkPages(path, database);
  } catch (cause) {
    database.close();
    throw cause;
  }
  return database;
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
