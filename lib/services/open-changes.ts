import type { HostId } from "../model/ids.ts";
import { counts, type MemberEntry } from "./member-entry.ts";
import type { ServiceParams } from "./params.ts";
import type { ScaleProposal } from "./scale-proposal.ts";

type Change = ScaleProposal["change"];
type Params = Pick<ServiceParams, "answerMs" | "grantedMs" | "skipMs" | "skipSoonMs">;

/** A host that gave no answer is asked by way of others for this long, ms. */
const byOthersMs = 30_000;

/**
 * What a steward has proposed and cannot see yet in the gossip, and whom it does not ask again for a
 * while. At most one change a host, and one entry a host that refused.
 */
export class OpenChanges {
  readonly #params: Params;
  readonly #open = new Map<HostId, { change: Change; untilMs: number; granted: boolean }>();
  readonly #silent = new Map<HostId, { times: number; untilMs: number }>();
  readonly #skippedUntilMs = new Map<HostId, number>();

  constructor(params: Params) {
    this.#params = params;
  }

  get size(): number {
    return this.#open.size;
  }

  /** Sorted, as all that is compared between hosts. */
  get hosts(): HostId[] {
    return [...this.#open.keys()].sort();
  }

  changeOf(host: HostId): Change | undefined {
    return this.#open.get(host)?.change;
  }

  mayAsk(host: HostId): boolean {
    return !this.#open.has(host) && !this.#skippedUntilMs.has(host);
  }

  /** How often the host gave no answer lately. */
  silences(host: HostId): number {
    return this.#silent.get(host)?.times ?? 0;
  }

  proposed(host: HostId, change: Change, nowMs: number): void {
    this.#open.set(host, { change, untilMs: nowMs + this.#params.answerMs, granted: false });
  }

  /** The host's answer; nothing follows from one that nobody waits for. */
  answered(host: HostId, answer: "granted" | "refused" | "soon", nowMs: number): void {
    const { grantedMs, skipMs, skipSoonMs } = this.#params;
    const open = this.#open.get(host);
    if (open && answer === "granted") {
      open.untilMs = nowMs + grantedMs;
      open.granted = true;
    } else if (open) this.#skip(host, nowMs + (answer === "soon" ? skipSoonMs : skipMs));
  }

  /** When someone who was skipped may be asked again; undefined while there is nobody. */
  get nextTimeoutMs(): number | undefined {
    const times = [...this.#skippedUntilMs.values()];
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** Ends what the gossip shows to be done or failed, what is overdue, and rests that are over. */
  review(members: ReadonlyMap<HostId, MemberEntry>, nowMs: number): void {
    for (const [host, untilMs] of this.#skippedUntilMs) {
      if (untilMs <= nowMs) this.#skippedUntilMs.delete(host);
    }
    for (const [host, { untilMs }] of this.#silent) {
      if (untilMs <= nowMs) this.#silent.delete(host);
    }
    for (const [host, { change, untilMs, granted }] of this.#open) {
      const entry = members.get(host);
      if (entry === undefined || isOver(change, entry)) this.#open.delete(host);
      else if (untilMs <= nowMs) {
        if (!granted) this.#silence(host, nowMs);
        this.#skip(host, nowMs + this.#params.skipMs);
      }
    }
  }

  clear(): void {
    this.#open.clear();
    this.#skippedUntilMs.clear();
    this.#silent.clear();
  }

  /** Its time runs from the first: then the straight way is tried again. */
  #silence(host: HostId, nowMs: number): void {
    const { times, untilMs } = this.#silent.get(host) ?? { times: 0, untilMs: nowMs + byOthersMs };
    this.#silent.set(host, { times: times + 1, untilMs });
  }

  #skip(host: HostId, untilMs: number): void {
    this.#open.delete(host);
    this.#skippedUntilMs.set(host, untilMs);
  }
}

/** A member that is neither as it was nor as it should be has failed on the way. */
function isOver(change: Change, { state }: MemberEntry): boolean {
  if (change === "rest") return !counts(state);
  return state !== "suspended" && state !== "draining" && state !== "suspending";
}
