import { type FileHandle, open } from "node:fs/promises";
import { assert } from "#lib/base/assert.ts";
import type { JournalEntry } from "#lib/core/effects.ts";
import type { Journal } from "../ports/journal.ts";
import { JournalFile } from "./journal-file.ts";
import { explainSqliteError } from "./sqlite-error.ts";
import { JournalError } from "./store-error.ts";

/** Waiting writes; a disk that is this far behind is as good as broken. */
const QUEUED_WRITES_MAX = 4096;
/** Keys are short by design of the core; this is far above. */
const KEY_LENGTH_MAX = 512;
/** From this length on the -wal file is emptied as soon as nobody waits: some fifty moves. */
const WAL_BYTES_IDLE_MAX = 4 * 1024 * 1024;
/** At this many times that length it is emptied even if somebody waits. */
const WAL_BUSY_FACTOR = 4;

export interface SqliteJournalOptions {
  /** The database file; its folder exists. */
  readonly path: string;
  /** Makes what was written to the open -wal file durable; by default fdatasync, off the loop. */
  readonly sync?: (wal: FileHandle) => Promise<void>;
  /** See WAL_BYTES_IDLE_MAX; tests cannot wait for that many. */
  readonly walBytesIdleMax?: number;
}

/** One unit of work; several writes become one transaction (group commit). */
interface Job {
  readonly kind: "read" | "write" | "close";
  readonly entries: readonly JournalEntry[];
  readonly resolve: (entries: readonly JournalEntry[]) => void;
  readonly reject: (error: JournalError) => void;
}

/** The open database, and its -wal file through a descriptor of our own. */
interface OpenFiles {
  readonly database: JournalFile;
  readonly wal: FileHandle;
}

/**
 * Journal on node:sqlite. SQLite runs on this thread with synchronous=NORMAL, by which a commit
 * only appends to the -wal file, some 20 µs; a write is acknowledged after a sync of that file that
 * began after its commit. That is all that synchronous=FULL adds in WAL mode
 * (sqlite.org/pragma.html#pragma_synchronous), but Node's thread pool waits for the disk and the
 * loop does not. A thread of its own would do the same for 15 MB.
 *
 * One commit and sync is under way at a time; writes that come meanwhile are joined into the next.
 * After a failure every later call fails the same way: nobody may go on as if a lost line had been
 * written.
 */
export class SqliteJournal implements Journal {
  readonly #path: string;
  readonly #sync: (wal: FileHandle) => Promise<void>;
  readonly #walBytesIdleMax: number;
  #files: OpenFiles | undefined;
  #queue: Job[] = [];
  #underWay: readonly Job[] = [];
  #failure: JournalError | undefined;

  constructor(options: SqliteJournalOptions) {
    this.#path = options.path;
    this.#sync = options.sync ?? ((wal) => wal.datasync());
    this.#walBytesIdleMax = options.walBytesIdleMax ?? WAL_BYTES_IDLE_MAX;
  }

  /** Opens and locks the file. Rejects with JournalError, naming the file and the remedy. */
  async start(): Promise<void> {
    assert(this.#files === undefined, "a journal is started once");
    const database = new JournalFile(this.#path);
    try {
      // To read is enough to sync, and nothing but SQLite may write there.
      this.#files = { database, wal: await open(database.walPath, "r") };
    } catch (cause) {
      database.close();
      throw new JournalError(explainSqliteError(this.#path, "open", cause), { cause });
    }
  }

  readAll(): Promise<readonly JournalEntry[]> {
    return this.#enqueue("read");
  }

  async write(entries: readonly JournalEntry[]): Promise<void> {
    for (const { key } of entries) {
      assert(key.length > 0 && key.length <= KEY_LENGTH_MAX, `journal key of ${key.length} chars`);
    }
    await this.#enqueue("write", entries);
  }

  /** Finishes what is queued, then lets go of the file. No-op when closed or never started. */
  async close(): Promise<void> {
    if (this.#files === undefined) return;
    if (this.#failure === undefined) await this.#enqueue("close").catch(() => undefined);
    await this.#letGo().catch(() => undefined);
  }

  #enqueue(kind: Job["kind"], entries: readonly JournalEntry[] = []) {
    return new Promise<readonly JournalEntry[]>((resolve, reject) => {
      if (this.#failure) {
        reject(this.#failure);
      } else if (this.#files === undefined) {
        reject(new JournalError(`${this.#path}: the journal is not started`));
      } else if (this.#queue.length >= QUEUED_WRITES_MAX) {
        const problem = `${QUEUED_WRITES_MAX} writes wait: the disk does not keep up`;
        reject(this.#fail(new JournalError(`${this.#path}: ${problem}`)));
      } else {
        this.#queue.push({ kind, entries, resolve, reject });
        this.#pump(this.#files);
      }
    });
  }

  /** Begins the next jobs when none is under way: all leading writes, or one other job. */
  #pump(files: OpenFiles): void {
    if (this.#underWay.length > 0 || this.#queue.length === 0) return;
    const first = this.#queue.findIndex((job) => job.kind !== "write");
    const writes = first === -1 ? this.#queue.length : first;
    this.#underWay = this.#queue.splice(0, Math.max(writes, 1));
    void this.#work(files, this.#underWay);
  }

  /** Never rejects: the jobs do. */
  async #work(files: OpenFiles, jobs: readonly Job[]): Promise<void> {
    try {
      const lines = await this.#carryOut(files, jobs);
      if (this.#failure) return;
      this.#underWay = [];
      for (const job of jobs) job.resolve(lines);
      this.#pump(files);
      // Whoever waited goes on first.
      setImmediate(() => this.#emptyWal(files));
    } catch (cause) {
      this.#fail(cause);
    }
  }

  async #carryOut(files: OpenFiles, jobs: readonly Job[]): Promise<readonly JournalEntry[]> {
    const [head] = jobs;
    assert(head !== undefined, "there is a job to do");
    if (head.kind === "read") return files.database.readAll();
    if (head.kind === "close") {
      await this.#letGo();
      return [];
    }
    if (files.database.walBytes() >= this.#walBytesIdleMax * WAL_BUSY_FACTOR)
      files.database.checkpoint();
    files.database.commit(jobs.flatMap((job) => job.entries));
    await this.#sync(files.wal);
    return [];
  }

  #emptyWal({ database }: OpenFiles): void {
    // A failed or closed journal has nothing under way either.
    if (this.#failure || this.#underWay.length > 0) return;
    try {
      if (database.walBytes() >= this.#walBytesIdleMax) database.checkpoint();
    } catch (cause) {
      this.#fail(cause);
    }
  }

  /** The -wal file last: SQLite's own close is what empties it. */
  async #letGo(): Promise<void> {
    const files = this.#files;
    if (files === undefined) return;
    this.#files = undefined;
    try {
      files.database.close();
    } finally {
      await files.wal.close();
      this.#fail(new JournalError(`${this.#path}: the journal is closed`));
    }
  }

  #fail(cause: unknown): JournalError {
    this.#failure ??= this.#explained(cause);
    const waiting = [...this.#underWay, ...this.#queue];
    this.#underWay = [];
    this.#queue = [];
    for (const job of waiting) job.reject(this.#failure);
    return this.#failure;
  }

  #explained(cause: unknown): JournalError {
    if (cause instanceof JournalError) return cause;
    return new JournalError(explainSqliteError(this.#path, "write", cause), { cause });
  }
}
