/** Entries of one generation; two are kept. At 30 probes and acks a second this is minutes. */
const GENERATION_MAX = 4096;

/** Remembers what was seen lately, in bounded memory: the last 4096 entries at least. */
export class ReplayWindow {
  #young = new Set<string>();
  #old = new Set<string>();

  /** False when `entry` was seen before. */
  add(entry: string): boolean {
    if (this.#young.has(entry) || this.#old.has(entry)) return false;
    if (this.#young.size >= GENERATION_MAX) {
      this.#old = this.#young;
      this.#young = new Set();
    }
    this.#young.add(entry);
    return true;
  }
}
