import { Worker } from "node:worker_threads";
import { assert } from "#lib/base/assert.ts";
import type { JournalEntry } from "#lib/core/effects.ts";
import type { Journal } from "../ports/journal.ts";
import type { JournalAnswer, JournalOrder, JournalWorkerData } from "./journal-messages.ts";
import { JournalError } from "./store-error.ts";

/** Waiting writes; a disk that is this far behind is as good as broken. */
const QUEUED_WRITES_MAX = 4096;
/** Keys are short by design of the core; this is far above. */
const KEY_LENGTH_MAX = 512;
/** The worker holds a batch and SQLite's cache: more would only cost resident memory. */
const WORKER_LIMITS = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 4 };

export interface SqliteJournalOptions {
  /** The database file; its folder exists. */
  readonly path: string;
  /** Entry of the worker thread; by default beside this file, in the sources and in the bundle. */
  readonly workerEntry?: URL;
}

/** One unit of work for the worker; several writes become one transaction (group commit). */
interface Job {
  readonly kind: "open" | "read" | "write" | "close";
  readonly entries: readonly JournalEntry[];
  readonly resolve: (entries: readonly JournalEntry[]) => void;
  readonly reject: (error: JournalError) => void;
}

/**
 * Journal on node:sqlite in a worker thread. One transaction is under way at a time; writes that
 * come meanwhile are joined into the next. After a failure every later call fails the same way:
 * nobody may go on as if a lost line had been written.
 */
export class SqliteJournal implements Journal {
  readonly #path: string;
  readonly #workerEntry: URL;
  #worker: Worker | undefined;
  #queue: Job[] = [];
  #underWay: readonly Job[] = [];
  #orderId = 0;
  #failure: JournalError | undefined;

  constructor(options: SqliteJournalOptions) {
    this.#path = options.path;
    this.#workerEntry = options.workerEntry ?? besideThisFile();
  }

  /** Opens and locks the file. Rejects with JournalError, naming the file and the remedy. */
  async start(): Promise<void> {
    assert(this.#worker === undefined, "a journal is started once");
    const workerData: JournalWorkerData = { path: this.#path };
    const worker = new Worker(this.#workerEntry, {
      name: "evenkeel-journal",
      workerData,
      env: {},
      // node:sqlite warns of being experimental on stderr, which is not a log line.
      execArgv: ["--disable-warning=ExperimentalWarning"],
      resourceLimits: WORKER_LIMITS,
    });
    worker.on("message", (answer: JournalAnswer) => this.#answered(answer));
    worker.on("error", (cause) => this.#fail(`the journal's thread died: ${cause.message}`, cause));
    worker.on("exit", () => this.#fail("the journal is closed"));
    this.#worker = worker;
    try {
      await this.#enqueue("open");
    } catch (error) {
      await worker.terminate();
      throw error;
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
    const worker = this.#worker;
    if (worker === undefined) return;
    if (this.#failure === undefined) await this.#enqueue("close").catch(() => undefined);
    await worker.terminate();
  }

  #enqueue(kind: Job["kind"], entries: readonly JournalEntry[] = []) {
    return new Promise<readonly JournalEntry[]>((resolve, reject) => {
      if (this.#worker === undefined) {
        reject(new JournalError(`${this.#path}: the journal is not started`));
      } else if (this.#failure) {
        reject(this.#failure);
      } else if (this.#queue.length >= QUEUED_WRITES_MAX) {
        reject(this.#fail(`${QUEUED_WRITES_MAX} writes wait: the disk does not keep up`));
      } else {
        this.#queue.push({ kind, entries, resolve, reject });
        this.#pump();
      }
    });
  }

  /** Hands the next jobs to the worker when it is idle: all leading writes, or one other job. */
  #pump(): void {
    if (this.#underWay.length > 0 || this.#queue.length === 0) return;
    const first = this.#queue.findIndex((job) => job.kind !== "write");
    const writes = first === -1 ? this.#queue.length : first;
    this.#underWay = this.#queue.splice(0, Math.max(writes, 1));
    this.#orderId += 1;
    this.#worker?.postMessage(this.#orderOf(this.#underWay));
  }

  #orderOf(jobs: readonly Job[]): JournalOrder {
    const [head] = jobs;
    assert(head !== undefined, "an order has a job");
    if (head.kind !== "write") return { id: this.#orderId, order: head.kind };
    return { id: this.#orderId, order: "write", entries: jobs.flatMap((job) => job.entries) };
  }

  #answered(answer: JournalAnswer): void {
    if (this.#failure) return;
    assert(answer.id === this.#orderId, "the journal answers in order");
    if ("problem" in answer) {
      this.#fail(answer.problem);
      return;
    }
    const done = this.#underWay;
    this.#underWay = [];
    for (const job of done) job.resolve(answer.entries);
    this.#pump();
  }

  #fail(problem: string, cause?: unknown): JournalError {
    const message = problem.startsWith(this.#path) ? problem : `${this.#path}: ${problem}`;
    this.#failure ??= new JournalError(message, { cause });
    const waiting = [...this.#underWay, ...this.#queue];
    this.#underWay = [];
    this.#queue = [];
    for (const job of waiting) job.reject(this.#failure);
    return this.#failure;
  }
}

function besideThisFile(): URL {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "mjs";
  return new URL(`./journal-worker.${extension}`, import.meta.url);
}
