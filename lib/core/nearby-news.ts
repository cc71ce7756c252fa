import type { Prng } from "../base/prng.ts";
import type { HostId } from "../model/ids.ts";
import type { HostRecord, SummaryRecord } from "../model/record.ts";
import type { View } from "../view/view.ts";
import { wireLimits } from "../wire/limits.ts";
import { deltaOf } from "./gossip-messages.ts";
import type { Outbox } from "./outbox.ts";

/** Peers that each tells: about its neighbours. Three hops reach some 200 hosts. */
const peersTold = 6;
/** Words of others that one host passes on in a second; what is too much comes by push-pull. */
const passedMax = 64;
const windowMs = 1_000;

export interface NearbyNewsOptions {
  readonly view: View;
  readonly outbox: Outbox;
  readonly prng: Prng;
  readonly connected: ReadonlySet<HostId>;
}

/**
 * News among more hosts than can all hear of each other: told to a few peers by the streams that
 * stand anyway, who tell a few of theirs, and so on. Who has heard it before passes nothing on.
 */
export class NearbyNews {
  readonly #options: NearbyNewsOptions;
  #passed = 0;
  #sinceMs = Number.NEGATIVE_INFINITY;

  constructor(options: NearbyNewsOptions) {
    this.#options = options;
  }

  /** This host's own word. */
  tell(record: SummaryRecord, nowMs: number): void {
    this.#send(record, wireLimits.hopsMax, nowMs);
  }

  /** A record that was new here and came with leave for `hops` more hops, this one included. */
  heard(record: HostRecord, hops: number, from: HostId, nowMs: number): void {
    if (hops <= 1 || record.kind !== "summary") return;
    if (nowMs >= this.#sinceMs + windowMs) {
      this.#sinceMs = nowMs;
      this.#passed = 0;
    }
    if (this.#passed >= passedMax) return;
    this.#passed += 1;
    this.#send(record, hops - 1, nowMs, from);
  }

  #send(record: SummaryRecord, hops: number, nowMs: number, except?: HostId): void {
    const { view, outbox, prng, connected } = this.#options;
    // Of a vast cluster so few would hear it that most who plan would not be among them.
    if (view.isVast) return;
    const message = deltaOf({ records: [record], ages: view.agesOf([record], nowMs), hops });
    const peers = [...connected].filter((host) => host !== except && host !== record.host);
    for (const peer of prng.sample(peers, peersTold)) outbox.send(peer, message);
  }
}
