import type { HostSummary } from "../model/host.ts";
import type { HostId } from "../model/ids.ts";
import type { SummaryRecord } from "../model/record.ts";
import type { View } from "../view/view.ts";
import { journalEntry, journalKeys } from "./journal-keys.ts";
import type { KnownPeer, Outbox } from "./outbox.ts";

/** Peers whose addresses are kept over a restart. */
const rememberedMax = { usually: 256, vast: 64 } as const;
/** How soon the transport hears of newcomers, ms: the list of all is long, and each is a change. */
const intervalsMs = { few: 0, many: 250, large: 5_000 } as const;
const fewHostsMax = 64;
/** In a vast cluster one remembered peer is forgotten for another this often, ms. */
const displacedMs = 60_000;

export interface PeerListOptions {
  readonly self: HostId;
  readonly view: View;
  readonly outbox: Outbox;
}

/** Whom the transport should know, and whom this host dials after a restart. */
export class PeerList {
  readonly #options: PeerListOptions;
  /** With their addresses, where this life has heard them. */
  readonly #remembered = new Map<HostId, readonly string[] | undefined>();
  #isChanged = false;
  #toldAtMs = Number.NEGATIVE_INFINITY;
  #displacedAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: PeerListOptions) {
    this.#options = options;
  }

  /** Those that an earlier life remembered. */
  recall(hosts: readonly HostId[]): void {
    for (const host of hosts) this.#remembered.set(host, undefined);
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

  /**
   * It gave way to another where there are too many to know, which happens all the time: whom to
   * dial after a restart changes slowly, so that the journal is left in peace.
   */
  displaced(host: HostId, nowMs: number): void {
    this.touch();
    if (nowMs < this.#displacedAtMs + displacedMs || !this.#remembered.has(host)) return;
    this.#displacedAtMs = nowMs;
    this.forget(host);
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
    const { addresses, probePort } = body;
    const isRemembered = this.#remembered.has(host);
    // Whom to dial after a restart need not be everybody.
    const { usually, vast } = rememberedMax;
    const countMax = this.#options.view.isVast ? vast : usually;
    if (!isRemembered && this.#remembered.size >= countMax) return;
    const before = this.#remembered.get(host);
    if (before && haveSame(before, addresses)) return;
    this.#remembered.set(host, addresses);
    this.#options.outbox.persist([journalEntry(journalKeys.peer(host), { addresses, probePort })]);
  }
}

function haveSame(a: readonly string[], b: readonly string[]): boolean {
  return a === b || (a.length === b.length && a.every((text, index) => text === b[index]));
}
