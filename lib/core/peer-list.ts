import type { HostSummary } from "../model/host.ts";
import type { HostId } from "../model/ids.ts";
import type { SummaryRecord } from "../model/record.ts";
import type { View } from "../view/view.ts";
import { journalEntry, journalKeys } from "./journal-keys.ts";
import type { KnownPeer, Outbox } from "./outbox.ts";

/** Peers whose addresses are kept over a restart. */
const rememberedMax = 256;
/** How soon the transport hears of newcomers, ms: the list of all is long, and each is a change. */
const intervalsMs = { few: 0, many: 250, large: 5_000 } as const;
const fewHostsMax = 64;

export interface PeerListOptions {
  readonly self: HostId;
  readonly view: View;
  readonly outbox: Outbox;
}

/** Whom the transport should know, and whom this host dials after a restart. */
export class PeerList {
  readonly #options: PeerListOptions;
  readonly #remembered = new Set<HostId>();
  #isChanged = false;
  #toldAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: PeerListOptions) {
    this.#options = options;
  }

  /** Those that an earlier life remembered. */
  recall(hosts: readonly HostId[]): void {
    for (const host of hosts) this.#remembered.add(host);
  }

  /** A newer summary; `before` is what its host said of itself until then. */
  seen(record: SummaryRecord, before: HostSummary | undefined): void {
    const { body } = record;
    if (!before || !haveSame(before.addresses, body.addresses)) this.#remember(record);
    if (before?.presence !== body.presence || before?.probePort !== body.probePort) this.touch();
  }

  /** Something changed in whom the transport should know. */
  touch(): void {
    this.#isChanged = true;
  }

  forget(host: HostId): void {
    this.touch();
    if (!this.#remembered.delete(host)) return;
    this.#options.outbox.persist([journalEntry(journalKeys.peer(host), undefined)]);
  }

  /** Tells the transport, when the list changed and it is time. */
  flush(nowMs: number): void {
    if (!this.#isChanged) return;
    const { view, outbox } = this.#options;
    const { few, many, large } = intervalsMs;
    const waitMs = view.isLarge ? large : view.size > fewHostsMax ? many : few;
    if (nowMs < this.#toldAtMs + waitMs) return;
    this.#isChanged = false;
    this.#toldAtMs = nowMs;
    outbox.peersKnown(() => this.#peers());
  }

  #peers(): KnownPeer[] {
    const { self, view } = this.#options;
    const peers: KnownPeer[] = [];
    for (const host of view.hosts()) {
      const summary = view.summaryOf(host)?.record.body;
      if (!summary || host === self || summary.presence === "left") continue;
      peers.push({ host, addresses: summary.addresses, probePort: summary.probePort });
    }
    return peers;
  }

  #remember({ host, body }: SummaryRecord): void {
    this.touch();
    if (!this.#remembered.has(host)) {
      // Whom to dial after a restart need not be everybody.
      if (this.#remembered.size >= rememberedMax) return;
      this.#remembered.add(host);
    }
    const { addresses, probePort } = body;
    this.#options.outbox.persist([journalEntry(journalKeys.peer(host), { addresses, probePort })]);
  }
}

function haveSame(a: readonly string[], b: readonly string[]): boolean {
  return a === b || (a.length === b.length && a.every((text, index) => text === b[index]));
}
