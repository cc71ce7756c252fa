import { earliestMs } from "../base/earliest.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { CopyReport } from "../model/copy.ts";
import type { HostOpResult } from "../model/host-op.ts";
import type { HostId, VmName } from "../model/ids.ts";
import type { MemberNews } from "../model/member-news.ts";
import type { Leftovers } from "../model/switch.ts";
import type { MemberState } from "../model/verdict.ts";
import { memberNameOf, readMemberName } from "../services/member-name.ts";
import { serviceDocumentName } from "../services/service-document.ts";
import type { ServiceView } from "../services/service-view.ts";
import type {
  MemberReportMessage,
  ScaleAnswerMessage,
  ScaleMessage,
  ShiftMessage,
} from "../wire/messages.ts";
import { BootWait } from "./boot-wait.ts";
import type { Cluster } from "./cluster.ts";
import type { Event } from "./events.ts";
import type { GuestTable } from "./guest-table.ts";
import { ownStanding } from "./host-standing.ts";
import { MemberDesk } from "./member-desk.ts";
import type { HostServiceNews } from "./news-by-service.ts";
import type { ServiceHosting } from "./node-options.ts";
import type { Outbox, PendingOp } from "./outbox.ts";
import { ownFigures } from "./own-figures.ts";
import type { Self } from "./self.ts";
import type { ServiceRegister } from "./service-register.ts";
import type { ServiceSight } from "./service-sight.ts";
import { ServiceSurroundings } from "./service-surroundings.ts";
import { StewardDesk, type StewardedService } from "./steward-desk.ts";
import { type StewardWord, stewardWords } from "./steward-words.ts";
import { SwitchDesk } from "./switch-desk.ts";

/** Services are looked at this often, ms, and at once when something changed. */
const lookMs = 1_000;
/** Between two looks at changes, ms: where many hosts gossip of everything there are many. */
const changedMs = { few: 20, many: 500, reported: 50 } as const;
const fewHosts = 64;
/** Servers at the switch of services that nobody knows are believed to be leftovers after this, ms. */
const strangersMs = 60_000;
/**
 * After a start nothing is proposed or told to the switch for this long at least, ms; where members
 * are reported, for as long as it takes their hosts to find out that this one is back.
 */
const quietMs = { gossiped: 3_000, reported: 12_000 } as const;
/** In a large cluster a start waits until its hosts are known, for so long at most, ms. */
const growingMsMax = 180_000;
/** A member's load is told at once when it differs by so much from what was told. */
const cpuShareStep = 0.1;
/** Drains of one life of the agent. */
const drainsMax = 1_048_576;

export interface ServiceDeskOptions {
  readonly self: Self;
  readonly hosting: ServiceHosting;
  readonly outbox: Outbox;
  readonly cluster: Cluster;
  readonly guests: GuestTable;
  readonly ledger: Ledger;
  readonly register: ServiceRegister;
  readonly memoryShareMax: number;
  /** Why this host must not act now, in words; null when it may. */
  readonly heldBack: (nowMs: number) => string | null;
  /** The member here is resumed in another's place. */
  readonly stoodIn: (service: string, nowMs: number) => void;
}

/** Whose member a VM is, and where. */
export interface MemberPlace {
  readonly service: string;
  readonly host: HostId;
}

/**
 * Virtual clusters on this host (DESIGN 7): its members, its part as steward, its switch. Brings
 * the documents, what is gossiped and the theories of lib/services together.
 */
export class ServiceDesk {
  readonly members: MemberDesk;
  readonly stewards: StewardDesk;
  readonly #options: ServiceDeskOptions;
  readonly #switch: SwitchDesk | null;
  readonly #around: ServiceSurroundings;
  #wait: BootWait | undefined;
  #strangersAtMs = Number.POSITIVE_INFINITY;
  /** The switch was told to clear servers of services that nobody knows. */
  #hasClearedAll = false;
  #startedMs = 0;
  #lookAtMs: number | undefined;
  #lookedMs = Number.NEGATIVE_INFINITY;
  /** Sum of all changes up to the last look: each only rises. */
  #seenChanges = -1;
  #told = "";
  readonly #states = new Map<string, MemberNews["state"]>();
  #toldServing = "";
  /** Rises with each change of the own members. */
  #revision = 0;
  #declared: {
    readonly all: ReturnType<ServiceRegister["all"]>;
    readonly services: readonly StewardedService[];
  } = { all: [], services: [] };
  #toldShares = new Map<string, number>();

  constructor(options: ServiceDeskOptions, incarnation: number) {
    this.#options = options;
    const { self, hosting, outbox, guests, cluster } = options;
    this.members = new MemberDesk({
      self,
      hosting,
      outbox,
      guests,
      drainMarkBase: incarnation * drainsMax,
      freeMemoryBytes: () => ownStanding(options).freeMemoryBytes,
    });
    this.#around = new ServiceSurroundings({ ...options, hasSwitch: hosting.hasSwitch });
    this.#switch = hosting.hasSwitch ? new SwitchDesk(outbox) : null;
    this.stewards = new StewardDesk({
      self: self.options.self,
      outbox,
      seatOf: (service) => this.members.seat(service),
      serviceOf: (service) => this.#stewarded(service),
      sight: (nowMs) => this.sight(nowMs),
      cpuCores: () => ownFigures(self, guests, options.ledger).cpuCores,
      heldBack: (nowMs) => options.heldBack(nowMs),
      knowsAll: () => !cluster.view.isLarge,
      granted: ({ service, replaces }, nowMs) => {
        if (replaces !== null) options.stoodIn(service, nowMs);
        this.#changed(nowMs);
      },
    });
  }

  /** `peers`: hosts that the journal remembers; the first proposals wait until they were heard. */
  start(
    { journal, copies }: Extract<Event, { type: "started" }>,
    peers: readonly HostId[],
    nowMs: number,
  ): void {
    const get = (service: string) => this.#options.register.get(service);
    this.members.restore(journal, copies, { get, nowMs });
    this.#wait = new BootWait(peers, nowMs);
    this.#strangersAtMs = nowMs + strangersMs;
    this.#startedMs = nowMs;
    this.#lookAtMs = nowMs;
  }

  nextTimeoutMs(): number | undefined {
    return earliestMs(this.#lookAtMs, this.members.nextTimeoutMs);
  }

  timeout(nowMs: number): void {
    this.members.timeout(nowMs);
    if (this.#lookAtMs !== undefined && nowMs >= this.#lookAtMs) this.#look(nowMs);
  }

  /** At the end of each step: has something changed that services depend on? */
  settle(nowMs: number): void {
    const { register } = this.#options;
    const changes = this.#around.changes + this.#revision;
    if (changes === this.#seenChanges) return;
    this.#seenChanges = changes;
    // Most clusters have no services: then there is nothing to look at, whatever comes.
    if (this.#lookAtMs === undefined && register.all().length === 0) return;
    this.#lookSoon(nowMs);
  }

  listed(copies: readonly CopyReport[], nowMs: number): void {
    this.members.listed(copies, nowMs);
    this.#changed(nowMs);
  }

  sampled(vms: Extract<Event, { type: "loadSampled" }>["vms"], nowMs: number): void {
    this.members.sampled(vms, nowMs);
    let differs = false;
    for (const { service, cpuShare } of this.members.news(nowMs)) {
      const told = this.#toldShares.get(service);
      if (cpuShare === null || Math.abs(cpuShare - (told ?? -1)) < cpuShareStep) continue;
      this.#toldShares.set(service, cpuShare);
      differs = true;
    }
    if (differs) this.#touch(nowMs);
  }

  opEnded(pending: PendingOp, result: HostOpResult, nowMs: number): void {
    this.members.opEnded(pending, result, nowMs);
    this.#changed(nowMs);
  }

  onReport(from: HostId, message: MemberReportMessage, nowMs: number): void {
    this.#around.heard(from, message, nowMs);
  }

  hostChanged(host: HostId, state: MemberState | undefined): void {
    this.#around.hostChanged(host, state !== "alive");
  }

  /** The host says anew what it does for services, or gave way to another. */
  standingChanged(host: HostId): void {
    this.#around.hostChanged(host, false);
  }

  documentsChanged(): void {
    this.#around.documentsChanged();
  }

  onScale(from: HostId, message: ScaleMessage, nowMs: number): void {
    this.stewards.onScale(from, message, nowMs);
  }

  onScaleAnswer(from: HostId, message: ScaleAnswerMessage, nowMs: number): void {
    this.stewards.onAnswer(from, message, nowMs);
    this.#lookSoon(nowMs);
  }

  onShift(from: HostId, message: ShiftMessage, nowMs: number): void {
    this.stewards.onShift(from, message, nowMs);
    this.#lookSoon(nowMs);
  }

  observed({ backends, problem }: Extract<Event, { type: "switchObserved" }>, nowMs: number): void {
    const before = JSON.stringify(this.#switch?.news() ?? null);
    this.#switch?.observed(backends, problem);
    if (JSON.stringify(this.#switch?.news() ?? null) === before) return;
    this.#touch(nowMs);
    this.#lookSoon(nowMs);
  }

  /** What the inventory says of services. */
  news(nowMs: number): HostServiceNews {
    const members = this.members.news(nowMs);
    return this.#switch ? { members, switch: this.#switch.news() } : { members };
  }

  /** All that is known of services at this moment. */
  sight(nowMs: number): ServiceSight {
    return this.#around.sight(this.news(nowMs), nowMs);
  }

  /** The same for a reader: in a large cluster with what is known by old gossip alone. */
  shown(nowMs: number): ServiceSight {
    return this.#around.shown(this.news(nowMs), nowMs);
  }

  /** One service as it is seen from here; undefined unless it is declared. */
  viewOf(service: string, nowMs: number): ServiceView | undefined {
    const declared = this.#stewarded(service);
    return declared && this.sight(nowMs).viewOf(declared.spec, declared.document);
  }

  /** The service and host whose member a VM of this name is; undefined when it is none. */
  memberNamed(vm: VmName): MemberPlace | undefined {
    const { self, register, cluster } = this.#options;
    const own = this.members.serviceOf(vm);
    if (own !== undefined) return { service: own, host: self.options.self };
    const service = readMemberName(vm)?.service;
    if (service === undefined || register.get(service) === undefined) return undefined;
    const { view } = cluster;
    const host = view.hosts().find((one) => {
      const news = view.inventoryOf(one)?.record.body.members ?? [];
      const isThere = news.some((told) => told.service === service && told.state !== "absent");
      return isThere && memberNameOf(service, one) === vm;
    });
    return host === undefined ? undefined : { service, host };
  }

  /** True until what the others do is known. */
  #isQuiet(nowMs: number): boolean {
    const { cluster } = this.#options;
    const quietForMs = this.#around.isLarge ? quietMs.reported : quietMs.gossiped;
    if (nowMs < this.#startedMs + quietForMs) return true;
    if (this.#around.isGrowing) return nowMs < this.#startedMs + growingMsMax;
    if (this.#wait?.over((peer) => cluster.view.inventoryOf(peer) !== undefined, nowMs)) {
      this.#wait = undefined;
    }
    return this.#wait !== undefined;
  }

  #look(nowMs: number): void {
    const { register, heldBack } = this.#options;
    this.#lookedMs = nowMs;
    const all = register.all();
    const isIdle = all.length === 0 && (this.#switch === null || this.#hasClearedAll);
    this.#lookAtMs = isIdle ? undefined : nowMs + lookMs;
    if (isIdle) return;
    const quiet = this.#isQuiet(nowMs);
    const acts = !quiet && heldBack(nowMs) === null;
    this.members.declare(all, { sight: this.sight(nowMs), acts, nowMs });
    if (!quiet) this.#wantAtSwitch(nowMs);
    this.members.drained(this.sight(nowMs), nowMs);
    if (acts) {
      this.members.restage(all, this.sight(nowMs), nowMs);
      this.members.stage(this.sight(nowMs), nowMs);
      this.stewards.look(this.#allStewarded(), this.sight(nowMs), nowMs);
      const againMs = this.stewards.nextTimeoutMs ?? Number.POSITIVE_INFINITY;
      this.#lookAtMs = Math.min(nowMs + lookMs, Math.max(againMs, nowMs + 1));
    }
    this.#changed(nowMs);
    if (this.#around.isLarge) this.#report(nowMs, acts ? this.#words(nowMs) : undefined);
  }

  #words(nowMs: number): ReadonlyMap<HostId, StewardWord> {
    const specs = this.stewards.stewarded(this.#allStewarded(), nowMs);
    return stewardWords(specs, this.sight(nowMs));
  }

  #report(nowMs: number, words?: ReadonlyMap<HostId, StewardWord>): void {
    const hasBackend = (service: string) => this.#stewarded(service)?.spec.backend !== null;
    this.#around.tell(this.news(nowMs), { words, hasBackend, nowMs });
  }

  /** In a large cluster reports tell of it, and no gossip could keep up. */
  #touch(nowMs: number): void {
    if (this.#around.isLarge) this.#lookSoon(nowMs);
    else this.#options.cluster.touch(nowMs);
  }

  #wantAtSwitch(nowMs: number): void {
    const declared = this.#allStewarded().map(({ spec }) => spec);
    this.#switch?.want(declared, this.sight(nowMs), this.#leftovers(nowMs));
  }

  /** Whose servers from before this start may go. Of unknown services: once the others were heard. */
  #leftovers(nowMs: number): Leftovers {
    const all = this.#options.register.all();
    const left = all.flatMap(({ name, word }) => (word.state === "unreadable" ? [name] : []));
    const isHeard = nowMs >= this.#strangersAtMs && this.sight(nowMs).liveHosts.length > 1;
    this.#hasClearedAll ||= isHeard;
    const known = all.flatMap(({ name, word }) => (word.state === "unreadable" ? [] : [name]));
    return { left: left.sort(), cleared: isHeard ? null : known.sort() };
  }

  /** All that are declared. */
  #allStewarded(): readonly StewardedService[] {
    const all = this.#options.register.all();
    if (all !== this.#declared.all) {
      const services = all.flatMap(({ name }) => this.#stewarded(name) ?? []);
      this.#declared = { all, services };
    }
    return this.#declared.services;
  }

  #stewarded(service: string): StewardedService | undefined {
    const { register, cluster } = this.#options;
    const known = register.get(service);
    const document = cluster.view.document(serviceDocumentName(service));
    if (known?.word.state !== "declared" || !document) return undefined;
    const { version, hash } = document;
    return { spec: known.word.spec, document: { version, hash } };
  }

  /** Members may be other than they were told to be: then the others hear of it at once. */
  #changed(nowMs: number): void {
    const { cluster } = this.#options;
    const news = this.members.news(nowMs);
    const told = JSON.stringify(news.map(({ cpuShare: _share, ...facts }) => facts));
    if (told === this.#told) return;
    this.#told = told;
    this.#revision += 1;
    this.#tellStates(news);
    if (this.#around.isLarge) {
      this.#report(nowMs);
      this.#lookSoon(nowMs);
      return;
    }
    // Others wait for who serves; the rest of it may ride on push-pull.
    const serving = JSON.stringify(
      news.map(({ service, atSwitch, healthy }) => [service, atSwitch, healthy]),
    );
    if (serving === this.#toldServing) cluster.touch(nowMs);
    else cluster.tell(nowMs);
    this.#toldServing = serving;
    this.#lookSoon(nowMs);
  }

  /** For people: what the own members have become. */
  #tellStates(news: readonly MemberNews[]): void {
    for (const { service, state } of news) {
      const before = this.#states.get(service) ?? "absent";
      if (state === before) continue;
      this.#states.set(service, state);
      const message = `the member of ${service} here is ${state}`;
      this.#options.outbox.notice("info", "service-member", message, { service, state, before });
    }
  }

  #lookSoon(nowMs: number): void {
    const gossiped = this.#options.cluster.view.size > fewHosts ? changedMs.many : changedMs.few;
    const gapMs = this.#around.isLarge ? changedMs.reported : gossiped;
    const atMs = Math.max(nowMs, this.#lookedMs + gapMs);
    this.#lookAtMs = Math.min(this.#lookAtMs ?? atMs, atMs);
  }
}
