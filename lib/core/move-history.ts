import type { MoveOutcome } from "../model/move-outcome.ts";
import type { JournalEntry } from "./effects.ts";
import { journalEntry, journalKeys, journalValues } from "./journal-keys.ts";

/** Moves that a host remembers: a ring in the journal, so that it survives and stays small. */
const historyMax = 500;
/** How many of its own a host gossips. */
const gossipedMax = 8;

/** The moves of this host, at either end, and what others gossip of theirs. Newest first. */
export class MoveHistory {
  #own: MoveOutcome[] = [];
  #next = 0;

  restore(lines: readonly JournalEntry[]): void {
    const slots = [...journalValues<{ order: number; outcome: MoveOutcome }>(lines, "history/")];
    slots.sort(([, a], [, b]) => b.order - a.order);
    this.#own = slots.map(([, value]) => value.outcome);
    this.#next = (slots[0]?.[1].order ?? -1) + 1;
  }

  /** Keeps an outcome; returns the line to persist. */
  add(outcome: MoveOutcome): JournalEntry {
    this.#own = [outcome, ...this.#own].slice(0, historyMax);
    const order = this.#next;
    this.#next += 1;
    return journalEntry(journalKeys.history(order % historyMax), { order, outcome });
  }

  get own(): readonly MoveOutcome[] {
    return this.#own;
  }

  /** The last few VMs that arrived elsewhere: only a source knows the bytes. */
  recentlySent(count: number): readonly MoveOutcome[] {
    const sent: MoveOutcome[] = [];
    for (const outcome of this.#own) {
      if (outcome.result === "moved" && outcome.transferredBytes > 0) sent.push(outcome);
      if (sent.length === count) break;
    }
    return sent;
  }

  /** The last few that this host was the source of: they ride on its inventory. */
  gossiped(self: string): readonly MoveOutcome[] {
    return this.#own.filter((outcome) => outcome.from === self).slice(0, gossipedMax);
  }

  /** Own and gossiped outcomes together, each move once, newest first. */
  merged(others: readonly MoveOutcome[]): readonly MoveOutcome[] {
    const byId = new Map<string, MoveOutcome>();
    // The source knows downtime and bytes: its record wins over the target's.
    for (const outcome of [...this.#own, ...others]) {
      const known = byId.get(outcome.moveId);
      if (!known || (known.downtimeMs === null && outcome.downtimeMs !== null)) {
        byId.set(outcome.moveId, outcome);
      }
    }
    return [...byId.values()]
      .sort((a, b) => b.endedAtMs - a.endedAtMs || (a.moveId < b.moveId ? -1 : 1))
      .slice(0, historyMax);
  }
}
