import type { MoveId, VmName } from "../model/ids.ts";
import type { JournalEntry } from "./effects.ts";

/** Names of the journal's lines. One place, so that a reader of the file finds its way. */
export const journalKeys = {
  incarnation: "meta/incarnation",
  bootId: "meta/boot-id",
  draining: "meta/draining",
  vm: (name: VmName) => `vm/${name}`,
  move: (id: MoveId) => `move/${id}`,
  member: (service: string) => `member/${service}`,
  document: (name: string) => `doc/${name}`,
  history: (slot: number) => `history/${String(slot).padStart(4, "0")}`,
  peer: (host: string) => `peer/${host}`,
} as const;

/** A line that keeps `value` as JSON text; undefined removes it. */
export function journalEntry(key: string, value: unknown): JournalEntry {
  return { key, value: value === undefined ? null : JSON.stringify(value) };
}

/**
 * The values of all lines under `prefix`, by the rest of their key. Our own journal is trusted to
 * hold what we wrote: a line that does not parse is a bug or a broken disk, and throws.
 */
export function journalValues<Value>(
  lines: readonly JournalEntry[],
  prefix: string,
): Map<string, Value> {
  const values = new Map<string, Value>();
  for (const line of lines) {
    if (line.value === null || !line.key.startsWith(prefix)) continue;
    values.set(line.key.slice(prefix.length), JSON.parse(line.value) as Value);
  }
  return values;
}
