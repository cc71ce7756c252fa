import { assert, assertNever } from "../base/assert.ts";
import { earliestMs } from "../base/earliest.ts";
import { Prng } from "../base/prng.ts";
import { Ledger } from "../ledger/ledger.ts";
import { type ActionReason, isLevelling } from "../model/action.ts";
import { copyRuns } from "../model/copy.ts";
import type { HostId } from "../model/ids.ts";
import type { HostLoad } from "../model/load.ts";
import type { ClusterDocument, InventoryRecord } from "../model/record.ts";
import type { MemberState } from "../model/verdict.ts";
import type { OwnedVm } from "../model/vm.ts";
import { buildParts, type Parts } from "./build-parts.ts";
import type { Effect, JournalEntry } from "./effects.ts";
import type { Event } from "./events.ts";
import { entryOfGuest, GuestTable, hasMemory } from "./guest-table.ts";
import { HostLoadEstimate } from "./host-load-estimate.ts";
import { journalEntry, journalKeys, journalValues } from "./journal-keys.ts";
import { listCopies } from "./list-copies.ts";
import { clusterMode, modeDocumentName } from "./mode-document.ts";
import { MoveHistory } from "./move-history.ts";
import { moveOfGuest } from "./move-table.ts";
import type { NodeOptions } from "./node-options.ts";
import { Outbox, type PendingOp } from "./outbox.ts";
import { routeMessage } from "./route-message.ts";
import type { Self } from "./self.ts";
import type { Snapshot } from "./snapshot.ts";
import { takeSnapshot } from "./take-snapshot.ts";

/** A loop that is this late has been stopped or starved: look again before any effect. */
const lateMs = 5_000;
/** The hypervisor's full list is read again this often, beside its own events. */
const relistMs = 10_000;
/** A guest that cannot be measured keeps its host from levelling no longer than this. */
const measuringMsMax = 10_000;

/**
 * One agent's whole protocol as a state machine without I/O, clock or chance of its own.
 *
 * Responsible for: who is a member, what this host knows of the others, when a VM should go where,
 * the two halves of every move, owner records, operators' verbs.
 *
 * How: `step` takes one event with the monotonic time and returns effects, to be performed in
 * order; `nextTimeoutMs` says when it wants a `timeout` event. The same events give the same
 * effects. The parts (Cluster, Balancer, Admission, Mover, VerbDesk) do not call each other in
 * circles: the node routes events to them, and they write to one Outbox.
 *
 * Never: waits, reads a clock, draws unseeded randomness, touches a hypervisor, trusts a byte that
 * the transport has not validated, or lets a membership verdict decide what happens to a copy.
 */
export class Node {
  readonly #options: NodeOptions;
  readonly #self: Self;
  readonly #outbox = new Outbox();
  readonly #guests = new GuestTable();
  readonly #ledger = new Ledger();
  readonly #history = new MoveHistory();
  readonly #prng: Prng;
  readonly #hostEstimate = new HostLoadEstimate();
  #parts: Parts | null = null;
  #relistAtMs = 0;
  /** When the core last asked to be woken: what lateness is measured by. */
  #wantedMs: number | undefined;
  #nextTimeoutMs: number | undefined;

  constructor(options: NodeOptions) {
    this.#options = options;
    this.#prng = new Prng(options.seed);
    this.#self = {
      options,
      instance: "",
      wallOffsetMs: 0,
      startedAtMs: 0,
      presence: "here",
      draining: false,
      addresses: [],
      probePort: 0,
      hypervisor: {
        kind: "sim",
        version: "",
        accelerator: "none",
        liveMigrationRefusal: null,
        architecture: "",
      },
      hostLoad: null,
      measuring: true,
      cloneUntilMs: 0,
    };
  }

  /** Takes one event at `nowMs` (monotonic) and returns what to do about it, in order. */
  step(event: Event, nowMs: number): readonly Effect[] {
    if (event.type === "started") this.#start(event, nowMs);
    else {
      assert(this.#parts, "the first event is `started`");
      if (this.#wantedMs !== undefined && nowMs - this.#wantedMs > lateMs) this.#woken(nowMs);
      this.#route(event, this.#parts, nowMs);
    }
    this.#parts?.services?.settle(nowMs);
    this.#parts?.cluster.flushPeers(nowMs);
    // Only a step changes anything, so that it need not be worked out at each question.
    this.#nextTimeoutMs = this.#nextDeadlineMs();
    // Asked only now, it cannot have wanted to be woken before: after a pause the events that
    // queued up would each count as late, and each look again would bring the next.
    const wantedMs = this.#nextTimeoutMs;
    this.#wantedMs = wantedMs === undefined ? undefined : Math.max(wantedMs, nowMs);
    return this.#outbox.take();
  }

  /** When `step` wants a `timeout` event; undefined before the start. Ask after every step. */
  get nextTimeoutMs(): number | undefined {
    return this.#nextTimeoutMs;
  }

  #nextDeadlineMs(): number | undefined {
    if (!this.#parts) return undefined;
    const { cluster, balancer, admission, mover, desk, exchange, services } = this.#parts;
    return earliestMs(
      cluster.nextTimeoutMs(),
      balancer.nextTimeoutMs(),
      admission.nextTimeoutMs(),
      mover.table.nextTimeoutMs(),
      desk.nextTimeoutMs(),
      exchange.nextTimeoutMs(),
      services?.nextTimeoutMs(),
      this.#relistAtMs,
    );
  }

  /** What a reader may see. Throws AssertionError before the start. */
  snapshot(nowMs: number): Snapshot {
    assert(this.#parts, "the first event is `started`");
    return takeSnapshot(
      {
        self: this.#self,
        guests: this.#guests,
        ledger: this.#ledger,
        history: this.#history,
        mode: this.#mode(),
        ...this.#parts,
      },
      nowMs,
    );
  }

  #start(event: Extract<Event, { type: "started" }>, nowMs: number): void {
    assert(!this.#parts, "an agent starts once in its life");
    const { journal } = event;
    const self = this.#self;
    self.instance = event.instance;
    self.wallOffsetMs = event.wallOffsetMs;
    self.startedAtMs = nowMs;
    self.addresses = event.addresses;
    self.probePort = event.probePort;
    self.hypervisor = event.hypervisor;
    const meta = journalValues<unknown>(journal, "meta/");
    self.draining = meta.get("draining") === true;
    const incarnation = Number(meta.get("incarnation") ?? 0) + 1;
    const rebooted = meta.get("boot-id") !== event.bootId;
    const vms = [...journalValues<OwnedVm>(journal, "vm/").values()];
    const booted = journalEntry(journalKeys.bootId, event.bootId);
    const mayBoot = rebooted && vms.some(({ desired }) => desired === "running");
    const incarnationLine = journalEntry(journalKeys.incarnation, incarnation);
    this.#outbox.persist(mayBoot ? [incarnationLine] : [incarnationLine, booted]);
    this.#history.restore(journal);
    for (const owned of vms) this.#guests.own(owned, null, nowMs);
    const parts = buildParts({
      self,
      outbox: this.#outbox,
      guests: this.#guests,
      ledger: this.#ledger,
      history: this.#history,
      prng: this.#prng,
      incarnation,
      nowMs,
      inventory: (atMs) => this.#inventory(atMs),
      memberChanged: (host, state, atMs) => this.#memberChanged(host, state, atMs),
      documentChanged: (document) => this.#documentChanged(document),
      heldBack: (reason, atMs) => this.#heldBack(reason, atMs),
    });
    this.#parts = parts;
    for (const document of journalValues<ClusterDocument>(journal, "doc/").values()) {
      parts.cluster.view.mergeDocument(document);
    }
    const peers = this.#rememberPeers(journal);
    // Journals are resolved before anything is started and before the network is heard.
    parts.mover.restore(journal, nowMs);
    parts.services?.start(event, peers, nowMs);
    listCopies(event.copies, { guests: this.#guests, outbox: this.#outbox, ...parts }, nowMs);
    const toBoot = this.#guests.all().filter(({ owned, copy }) => {
      const idle = !parts.mover.table.ofVm(owned.spec.name) && !hasMemory(copy);
      const wanted = owned.desired === "running" && owned.spec.policy.managed !== false;
      return rebooted && idle && wanted;
    });
    if (toBoot.length > 0) parts.desk.guests.startAtBoot(toBoot, { peers, booted }, nowMs);
    else if (mayBoot) this.#outbox.persist([booted]);
    parts.cluster.start(nowMs);
    this.#relistAtMs = nowMs + relistMs;
  }

  #rememberPeers(journal: readonly JournalEntry[]): readonly HostId[] {
    const peers = journalValues<{ addresses: string[]; probePort: number }>(journal, "peer/");
    if (peers.size > 0) {
      this.#parts?.cluster.peersRemembered([...peers.keys()]);
      this.#outbox.peersKnown(() => [...peers].map(([host, known]) => ({ host, ...known })));
    }
    return [...peers.keys()];
  }

  #route(event: Exclude<Event, { type: "started" }>, parts: Parts, nowMs: number): void {
    switch (event.type) {
      case "timeout":
        this.#timeout(parts, nowMs);
        return;
      case "messageReceived":
        routeMessage(event, parts, { keyed: this.#options.keyed, nowMs });
        return;
      case "peerConnected":
        parts.cluster.peerConnected(event.host, nowMs);
        parts.mover.peerReachable(event.host, nowMs);
        return;
      case "peerDisconnected":
        parts.cluster.peerDisconnected(event.host, nowMs);
        return;
      case "loadSampled":
        this.#hostLoadSampled(event.host, parts, nowMs);
        this.#guestsSampled(event.vms, parts, nowMs);
        parts.services?.sampled(event.vms, nowMs);
        parts.balancer.loadSampled(nowMs);
        return;
      case "copiesListed":
        listCopies(event.copies, { guests: this.#guests, outbox: this.#outbox, ...parts }, nowMs);
        return;
      case "opEnded": {
        const pending = this.#outbox.opEnded(event.opId);
        if (pending) this.#opEnded(pending, event.result, parts, nowMs);
        return;
      }
      case "switchObserved":
        parts.services?.observed(event, nowMs);
        return;
      case "transferProgressed":
        parts.mover.progressed(event.progress);
        return;
      case "verbAsked":
        parts.desk.asked(event.requestId, event.verb, nowMs);
        return;
      case "addressesChanged":
        this.#self.addresses = event.addresses;
        this.#self.probePort = event.probePort;
        parts.cluster.touch(nowMs);
        return;
      case "leaveAsked":
        this.#self.presence = event.forGood ? "left" : "restarting";
        parts.cluster.announce(nowMs);
        return;
      default:
        assertNever(event);
    }
  }

  #guestsSampled(
    vms: Extract<Event, { type: "loadSampled" }>["vms"],
    parts: Parts,
    nowMs: number,
  ): void {
    let isFirstFigure = false;
    for (const { vm, load } of vms) {
      const estimate = this.#guests.get(vm)?.estimate;
      const knew = estimate?.value() !== null;
      estimate?.observe(load, nowMs);
      if (!knew && estimate?.value() !== null) isFirstFigure = true;
    }
    if (this.#self.measuring && this.#hasMeasured(nowMs)) this.#self.measuring = false;
    // Until now the others counted these guests as idle: tell them at once.
    if (isFirstFigure) parts.cluster.touch(nowMs);
  }

  #hasMeasured(nowMs: number): boolean {
    if (nowMs - this.#self.startedAtMs >= measuringMsMax) return true;
    const isOpen = this.#guests
      .all()
      .some(({ copy, estimate }) => copy && copyRuns(copy) && estimate.value() === null);
    // A member that boots may wait for long for its first sample.
    return !isOpen && [...this.#guests.members.all()].every(({ estimate }) => !estimate.isYoung);
  }

  #hostLoadSampled(load: HostLoad, parts: Parts, nowMs: number): void {
    // The others cannot weigh this host before they know its size: tell them at once.
    if (this.#self.hostLoad === null) parts.cluster.touch(nowMs);
    const moving = parts.mover.table.all().length > 0;
    this.#self.hostLoad = this.#hostEstimate.observe(load, moving, nowMs);
  }

  #timeout(parts: Parts, nowMs: number): void {
    parts.cluster.timeout(nowMs);
    parts.admission.timeout(nowMs);
    parts.mover.timeout(nowMs);
    parts.balancer.timeout(nowMs);
    parts.exchange.timeout(nowMs);
    parts.services?.timeout(nowMs);
    parts.desk.timeout(nowMs);
    if (nowMs >= this.#relistAtMs) {
      this.#relistAtMs = nowMs + relistMs;
      this.#outbox.relist();
    }
  }

  #woken(nowMs: number): void {
    this.#outbox.notice(
      "warn",
      "late",
      "the agent was stopped or starved for seconds; it looks again",
    );
    this.#outbox.relist();
    this.#parts?.mover.woken(nowMs);
  }

  #opEnded(
    pending: PendingOp,
    result: Extract<Event, { type: "opEnded" }>["result"],
    parts: Parts,
    nowMs: number,
  ): void {
    switch (pending.owner.part) {
      case "move":
        parts.mover.opEnded(pending, result, nowMs);
        return;
      case "guest":
      case "policy":
        parts.desk.opEnded(pending, result, nowMs);
        return;
      case "member":
        parts.services?.opEnded(pending, result, nowMs);
        return;
      case "offer":
        parts.balancer.offerEnded(pending.owner.moveId, result, nowMs);
        return;
      case "admit":
        parts.admission.admitEnded(pending.owner.moveId, result, nowMs);
        return;
      default:
        assertNever(pending.owner);
    }
  }

  #memberChanged(host: HostId, state: MemberState | undefined, nowMs: number): void {
    this.#parts?.services?.hostChanged(host, state);
    if (state === "alive") this.#parts?.mover.peerReachable(host, nowMs);
  }

  #documentChanged(document: ClusterDocument): void {
    this.#parts?.services?.documentsChanged();
    if (document.name !== modeDocumentName) return;
    const mode = clusterMode(document);
    this.#outbox.notice("info", "mode", `the cluster is on ${mode}`, { mode });
  }

  #mode(): "act" | "hold" {
    return clusterMode(this.#parts?.cluster.view.document(modeDocumentName));
  }

  /** Why this host must not act for this reason now, in words; null when it may. */
  #heldBack(reason: ActionReason, nowMs: number): string | null {
    if (!this.#options.keyed) return "without a cluster key this agent only advises";
    if (this.#self.cloneUntilMs > nowMs) return "another agent bears this host's identity";
    if (this.#self.presence !== "here") return "the agent is leaving";
    if (reason === "operator" || reason === "drain") return null;
    if (this.#self.measuring && isLevelling(reason)) return "its guests are not measured yet";
    return this.#mode() === "act" ? null : "the cluster is on hold ('evenkeel act' lets it act)";
  }

  #inventory(nowMs: number): InventoryRecord["body"] {
    const parts = this.#parts;
    const vms = this.#guests
      .all()
      .map((guest) =>
        entryOfGuest(guest, moveOfGuest(parts?.mover.table.ofVm(guest.owned.spec.name), nowMs)),
      );
    const outcomes = this.#history.gossiped(this.#options.self);
    return { vms, outcomes, ...parts?.services?.news(nowMs) };
  }
}
