import type { Membership } from "../membership/membership.ts";
import type { RecordVersion } from "../model/record.ts";
import type { Outbox } from "./outbox.ts";
import type { OwnRecords } from "./own-records.ts";
import type { Self } from "./self.ts";

/** Our identity heard from another process so often within a minute is a clone, not a backup. */
const cloneStrikes = 3;
const cloneMs = 60_000;

export interface OwnVersionWatchOptions {
  readonly self: Self;
  readonly outbox: Outbox;
  readonly membership: Pick<Membership, "incarnation" | "raiseIncarnation">;
  readonly records: Pick<OwnRecords, "seq">;
}

/**
 * What is done when somebody knows a newer record of us than we do: we were restored from a backup,
 * or another process bears our identity. The first is mended by going past it; the second goes on
 * and on.
 */
export class OwnVersionWatch {
  readonly #options: OwnVersionWatchOptions;
  #strikes: readonly number[] = [];

  constructor(options: OwnVersionWatchOptions) {
    this.#options = options;
  }

  /** The incarnation that goes past what was heard, to be told to all; undefined if none must. */
  heard({ incarnation, seq }: RecordVersion, nowMs: number): number | undefined {
    const { membership, records } = this.#options;
    const own = membership.incarnation;
    if (incarnation < own || (incarnation === own && seq <= records.seq)) return undefined;
    const raised = membership.raiseIncarnation(incarnation + 1);
    // Hearsay that no host can have come to.
    if (raised === own) return undefined;
    this.#strikes = [...this.#strikes.filter((at) => nowMs - at < cloneMs), nowMs];
    if (this.#strikes.length >= cloneStrikes) this.#suspectClone(nowMs);
    return raised;
  }

  #suspectClone(nowMs: number): void {
    const { self, outbox } = this.#options;
    if (self.cloneUntilMs <= nowMs) {
      outbox.notice(
        "error",
        "clone",
        "another agent bears this host's identity: both refuse to act; give the copied machine " +
          "an identity of its own (stop it, remove identity.key from its state directory, start)",
      );
    }
    self.cloneUntilMs = nowMs + cloneMs;
  }
}
