import type { JournalEntry } from "#lib/core/effects.ts";

/** What the worker is given when it starts. */
export interface JournalWorkerData {
  readonly path: string;
}

/** Orders to the worker, carried out one after the other; each is answered with its `id`. */
export type JournalOrder =
  | { readonly id: number; readonly order: "open" }
  | { readonly id: number; readonly order: "read" }
  | { readonly id: number; readonly order: "write"; readonly entries: readonly JournalEntry[] }
  | { readonly id: number; readonly order: "close" };

export type JournalAnswer =
  | { readonly id: number; readonly entries: readonly JournalEntry[] }
  | { readonly id: number; readonly problem: string };
