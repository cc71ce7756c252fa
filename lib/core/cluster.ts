import { Deadlines } from "../base/deadlines.ts";
import { earliestMs } from "../base/earliest.ts";
import type { Prng } from "../base/prng.ts";
import { Membership } from "../membership/membership.ts";
import type { MembershipOrder } from "../membership/order.ts";
import { membershipDefaults } from "../membership/params.ts";
import type { HostSummary } from "../model/host.ts";
import type { HostId } from "../model/ids.ts";
import type {
  ClusterDocument,
  HostRecord,
  InventoryRecord,
  RecordVersion,
  SummaryRecord,
} from "../model/record.ts";
import type { MemberState } from "../model/verdict.ts";
import { vastDefaults, viewDefaults } from "../view/params.ts";
import { View } from "../view/view.ts";
import type { DatagramMessage, DeltaMessage, DigestMessage } from "../wire/messages.ts";
import { deltaOf, GossipMessages, hasServices } from "./gossip-messages.ts";
import { GossipRound } from "./gossip-round.ts";
import { Greeting, greetingMs } from "./greeting.ts";
import { HeardSummaries } from "./heard-summaries.ts";
import { HotHosts } from "./hot-hosts.ts";
import { journalEntry, journalKeys } from "./journal-keys.ts";
import { NearbyNews } from "./nearby-news.ts";
import type { Outbox } from "./outbox.ts";
import { OwnRecords } from "./own-records.ts";
import { OwnVersionWatch } from "./own-version-watch.ts";
import { PeerList } from "./peer-list.ts";
import { Publisher } from "./publisher.ts";
import type { Self } from "./self.ts";

/** Push-pull with one neighbour a second: frames cost, so not more often. */
const gossipIntervalMs = 1_000;
/**
 * Fresh summaries that planning begins with where there are more hosts than everybody knows. What
 * is heard until it works them all out anew comes on top: some 128 in all.
 */
const weighedMax = 96;
/** In the open, more members than this are ignored: anybody can pretend to be many. */
const openMembersMax = 64;

type MembershipChange = Extract<MembershipOrder, { type: "changed" }>;

export interface ClusterOptions {
  readonly self: Self;
  readonly outbox: Outbox;
  readonly prng: Prng;
  readonly incarnation: number;
  readonly describe: () => HostSummary;
  readonly inventory: (nowMs: number) => InventoryRecord["body"];
  /** A member came, went or changed its state. */
  readonly memberChanged: (host: HostId, state: MemberState | undefined, nowMs: number) => void;
  /** Where there are many: it says anew what it does for services, or gave way to another. */
  readonly standingChanged: (host: HostId) => void;
  readonly documentChanged: (document: ClusterDocument) => void;
}

/** Who is there and what they say: membership and view, kept up by gossip. */
export class Cluster {
  readonly membership: Membership;
  readonly view: View;
  readonly hot: HotHosts;
  /** In a large cluster alone. */
  readonly heard = new HeardSummaries();
  readonly counters = { suspicions: 0, refutations: 0, accepted: 0, stale: 0 };
  readonly #options: ClusterOptions;
  readonly #self: Self;
  readonly #outbox: Outbox;
  readonly #deadlines = new Deadlines<"gossip" | "publish" | "hello">();
  readonly #connected = new Set<HostId>();
  readonly #publisher: Publisher;
  readonly #nearby: NearbyNews;
  readonly #ownVersion: OwnVersionWatch;
  readonly #messages: GossipMessages;
  readonly #peers: PeerList;
  readonly #greeting = new Greeting();
  readonly #round = new GossipRound();
  #nowMs = 0;
  #changes = 0;
  #tidings = 0;

  constructor(options: ClusterOptions) {
    this.#options = options;
    this.#self = options.self;
    this.#outbox = options.outbox;
    const { self, settings } = options.self.options;
    this.hot = new HotHosts(settings.hotShare);
    this.view = new View({
      self,
      params: viewDefaults,
      vastParams: vastDefaults,
      mustKnowMany: () => hasServices(this.view),
      keeps: (host) => this.#connected.has(host) || this.membership.stateOf(host) !== "alive",
      displaced: (host) => this.#displaced(host),
    });
    const { keyed } = options.self.options;
    const { outbox, describe, inventory } = options;
    const { view } = this;
    const records = new OwnRecords({ host: self, keyed, view, describe, inventory });
    this.membership = new Membership({
      self,
      incarnation: options.incarnation,
      params: membershipDefaults,
      prng: options.prng,
    });
    const { membership } = this;
    this.#nearby = new NearbyNews({
      ...{ view, outbox, prng: options.prng, connected: this.#connected },
    });
    this.#publisher = new Publisher({
      ...{ self, view, outbox, records },
      deadlines: this.#deadlines,
      incarnation: () => membership.incarnation,
      jittered: (intervalMs) => this.#jittered(intervalMs),
      nearby: this.#nearby,
    });
    this.#ownVersion = new OwnVersionWatch({ self: options.self, outbox, membership, records });
    this.#messages = new GossipMessages({ keyed, view, membership });
    this.#peers = new PeerList({ self, view, outbox });
  }

  get incarnation(): number {
    return this.membership.incarnation;
  }

  /** Changes with every inventory and document that is heard. */
  get tidings(): number {
    return this.#tidings;
  }

  /** Of the last timeout or exchange. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** Changes with everything that `live` depends on. */
  get changes(): number {
    return this.#changes;
  }

  /**
   * What the live members say of themselves, without this one: of all, in the order of their ids;
   * in a large cluster of those that were heard of a short while ago, newest first.
   */
  live(): readonly SummaryRecord[] {
    const summaries = this.view.isLarge
      ? this.view.freshest(weighedMax, this.#nowMs)
      : this.view.hosts().flatMap((host) => this.view.summaryOf(host)?.record ?? []);
    const self = this.#self.options.self;
    if (this.membership.allAlive) return summaries.filter(({ host }) => host !== self);
    return summaries.filter(({ host }) => this.isLive(host));
  }

  /** False for this host itself. */
  isLive(host: HostId): boolean {
    return host !== this.#self.options.self && this.membership.stateOf(host) === "alive";
  }

  /** Peers that an earlier life remembered. */
  peersRemembered(hosts: readonly HostId[]): void {
    this.#peers.recall(hosts);
  }

  start(nowMs: number): void {
    this.#nowMs = nowMs;
    this.#publisher.publish(nowMs);
    this.#deadlines.set("gossip", nowMs + this.#jittered(gossipIntervalMs));
  }

  nextTimeoutMs(): number | undefined {
    return earliestMs(this.#deadlines.nextMs(), this.membership.nextTimeoutMs());
  }

  timeout(nowMs: number): void {
    this.#nowMs = nowMs;
    for (const due of this.#deadlines.due(nowMs)) {
      if (due === "gossip") this.#gossip(nowMs);
      else if (due === "publish") this.#publisher.publish(nowMs);
      else this.#hello(nowMs);
    }
    if ((this.membership.nextTimeoutMs() ?? Number.POSITIVE_INFINITY) <= nowMs) {
      this.#obey(this.membership.timeout(nowMs), nowMs);
    }
  }

  /** Something mattered: tell it soon (Publisher). */
  touch(nowMs: number): void {
    this.#publisher.touch(nowMs);
  }

  /** The same of own members of services, for which others wait. */
  tell(nowMs: number): void {
    this.#publisher.tell(nowMs);
  }

  /** Tells everybody at once: a leave, a refutation, a first hello. */
  announce(nowMs: number): void {
    this.#publisher.publish(nowMs);
    this.#publisher.broadcastSelf();
  }

  peerConnected(host: HostId, nowMs: number): void {
    if (this.#connected.size === 0) this.#deadlines.set("hello", nowMs + greetingMs.first);
    this.#connected.add(host);
    this.#sendDigest(host);
    this.#obey(this.membership.peerConnected(host, nowMs), nowMs);
  }

  peerDisconnected(host: HostId, nowMs: number): void {
    this.#connected.delete(host);
    this.#obey(this.membership.peerDisconnected(host, nowMs), nowMs);
  }

  onProbe(
    from: HostId,
    via: "stream" | "datagram" | "news",
    message: DatagramMessage,
    nowMs: number,
  ): void {
    this.#obey(this.membership.messageReceived(from, via, message, nowMs), nowMs);
  }

  onDigest(from: HostId, message: DigestMessage, nowMs: number): void {
    this.#hearVerdicts(message.verdicts, nowMs);
    for (const [host, incarnation, seq] of message.entries) {
      if (host === this.#self.options.self) this.#onOwnVersion({ incarnation, seq }, nowMs);
    }
    const answer = this.#messages.answer(message, nowMs);
    if (answer) this.#outbox.send(from, answer);
  }

  onDelta(from: HostId, message: DeltaMessage, nowMs: number): void {
    this.#nowMs = nowMs;
    for (const [index, record] of message.records.entries()) {
      const isNew = this.#onRecord(record, nowMs, message.ages?.[index]);
      if (isNew && message.hops) this.#nearby.heard(record, message.hops, from, nowMs);
    }
    this.#hearVerdicts(message.verdicts, nowMs);
    if (this.#self.options.keyed) {
      for (const document of message.documents) this.offerDocument(document);
    }
    const wanted = this.#messages.wanted(message, nowMs);
    if (wanted) this.#outbox.send(from, wanted);
  }

  /** Takes a document if it is newer; durable before anybody is told. */
  offerDocument(document: ClusterDocument): boolean {
    if (!this.view.mergeDocument(document)) return false;
    this.#outbox.persist([journalEntry(journalKeys.document(document.name), document)]);
    this.#tidings += 1;
    this.#options.documentChanged(document);
    return true;
  }

  /** A new version of a document by this host's word, told to everybody at once. */
  publishDocument(document: ClusterDocument): void {
    if (this.offerDocument(document)) {
      this.#outbox.broadcast(deltaOf({ documents: [document] }));
    }
  }

  /** Whom the transport should know, when it changed; called at the end of each step. */
  flushPeers(nowMs: number): void {
    this.#peers.flush(nowMs);
  }

  #gossip(nowMs: number): void {
    this.#deadlines.set("gossip", nowMs + this.#jittered(gossipIntervalMs));
    // What was fresh a second ago may be no longer.
    if (this.view.isLarge) this.#changes += 1;
    const neighbour = this.#round.next(this.#connected, this.#options.prng);
    if (neighbour) this.#sendDigest(neighbour);
  }

  #sendDigest(to: HostId): void {
    this.#outbox.send(to, this.#messages.digest(this.#options.prng));
  }

  /** Said once, so that a newcomer is known to all at once. */
  #hello(nowMs: number): void {
    const decision = this.#greeting.decide(this.view);
    if (decision === "now") this.#publisher.broadcastSelf();
    else if (decision === "later") this.#deadlines.set("hello", nowMs + greetingMs.late);
  }

  /** True when it was new here. */
  #onRecord(record: HostRecord, nowMs: number, ageMs = 0): boolean {
    const { keyed } = this.#self.options;
    if (!keyed && (record.kind === "inventory" || this.#isCrowded(record.host))) return false;
    const before = this.view.summaryOf(record.host)?.record.body;
    const result = this.view.merge(record, nowMs, ageMs);
    if (result === "own") this.#onOwnVersion(record, nowMs);
    if (result !== "new") {
      this.counters.stale += 1;
      return false;
    }
    this.counters.accepted += 1;
    if (record.kind !== "summary") {
      this.#tidings += 1;
      return true;
    }
    this.#changes += 1;
    this.hot.heard(record);
    if (this.view.isLarge) this.heard.add(record);
    const { body } = record;
    this.#peers.seen(record, before);
    if (before?.services !== body.services) this.#options.standingChanged(record.host);
    this.#obey(
      this.membership.memberSeen(record.host, record.incarnation, body.presence, nowMs),
      nowMs,
    );
    return true;
  }

  #isCrowded(host: HostId): boolean {
    return this.view.summaryOf(host) === undefined && this.view.hosts().length >= openMembersMax;
  }

  #onOwnVersion(version: RecordVersion, nowMs: number): void {
    const raised = this.#ownVersion.heard(version, nowMs);
    if (raised !== undefined) this.#raise(raised, nowMs);
  }

  #raise(incarnation: number, nowMs: number): void {
    this.#outbox.persist([journalEntry(journalKeys.incarnation, incarnation)]);
    this.announce(nowMs);
  }

  #hearVerdicts(verdicts: DigestMessage["verdicts"], nowMs: number): void {
    for (const verdict of verdicts) {
      this.#obey(this.membership.verdictHeard(verdict, nowMs), nowMs);
    }
  }

  #obey(orders: readonly MembershipOrder[], nowMs: number): void {
    for (const order of orders) {
      switch (order.type) {
        case "datagram":
          this.#outbox.datagram(order.to, order.message);
          break;
        case "send":
          this.#outbox.send(order.to, order.message);
          break;
        case "spread":
          this.#outbox.broadcast(deltaOf({ verdicts: [order.verdict] }));
          break;
        case "refute":
          this.counters.refutations += 1;
          this.#raise(order.incarnation, nowMs);
          break;
        case "changed":
          this.#onChanged(order, nowMs);
          break;
      }
    }
  }

  #onChanged(order: MembershipChange, nowMs: number): void {
    const { host, state, previous } = order;
    this.#changes += 1;
    if (state === "suspect") this.counters.suspicions += 1;
    // In a vast cluster members are met and forgotten all the time: that is no news.
    if (previous !== undefined || !this.view.isVast) this.#noticeChange(order);
    if (state === undefined) {
      this.view.drop(host);
      this.#peers.forget(host);
    }
    if (state !== "alive") this.hot.forget(host);
    if (state === "left") this.#peers.touch();
    this.#options.memberChanged(host, state, nowMs);
  }

  #noticeChange({ host, state, previous, because }: MembershipChange): void {
    const name = this.view.summaryOf(host)?.record.body.name ?? host;
    // In a large cluster members are met all the time.
    const known = previous === undefined && this.view.isLarge ? "debug" : "info";
    this.#outbox.notice(
      state === "alive" || state === "left" ? known : "warn",
      `member-${state ?? "forgotten"}`,
      `${name} is ${state ?? "forgotten"}: ${because}`,
      { host, name, state: state ?? null, previous: previous ?? null },
    );
  }

  /** A stranger of whom there is fresh news took its place in a full view. */
  #displaced(host: HostId): void {
    this.#changes += 1;
    this.membership.forget(host);
    this.hot.forget(host);
    this.#options.standingChanged(host);
    this.#peers.displaced(host, this.#nowMs);
  }

  #jittered(intervalMs: number): number {
    return intervalMs * (0.9 + 0.2 * this.#options.prng.nextShare());
  }
}
