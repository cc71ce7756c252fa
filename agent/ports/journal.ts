import type { JournalEntry } from "#lib/core/effects.ts";

/** Durable key-value lines of one agent. */
export interface Journal {
  /** All lines, in key order. Rejects with JournalError when the file cannot be read or is locked. */
  readAll(): Promise<readonly JournalEntry[]>;
  /**
   * Writes all entries in one transaction; null values remove. Resolves only when they are durable.
   * Rejects with JournalError; the caller must then end the process.
   */
  write(entries: readonly JournalEntry[]): Promise<void>;
  close(): Promise<void>;
}
