import type { Clock } from "#agent/ports/clock.ts";
import type { VmSpec } from "#lib/model/vm-spec.ts";
import { removeProofs } from "./storage-proof.ts";

/** A target reads the proof of a shared disk within the seconds of a grant. */
const PROOF_MS = 60_000;

/** Removes the proofs of offers that nobody took up; the others remove theirs when they begin. */
export class ProofExpiry {
  readonly #clock: Clock;
  readonly #timers = new Set<() => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  removeLater(spec: VmSpec): void {
    const forget = this.#clock.after(PROOF_MS, () => {
      this.#timers.delete(forget);
      void removeProofs(spec);
    });
    this.#timers.add(forget);
  }

  close(): void {
    for (const forget of this.#timers) forget();
    this.#timers.clear();
  }
}
