import { assertNever } from "../base/assert.ts";
import type { HostOpResult } from "../model/host-op.ts";
import type { HostId, VmName } from "../model/ids.ts";
import type { Verb, VerbResult } from "../model/verb.ts";
import type { DesiredState, OwnedVm } from "../model/vm.ts";
import type { Balancer } from "./balancer.ts";
import { BootOrder } from "./boot-order.ts";
import { BootWait } from "./boot-wait.ts";
import type { JournalEntry } from "./effects.ts";
import { type Guest, type GuestAction, type GuestTable, hasMemory } from "./guest-table.ts";
import { journalEntry, journalKeys } from "./journal-keys.ts";
import type { Mover } from "./mover.ts";
import type { Outbox, PendingOp } from "./outbox.ts";
import type { Surroundings } from "./surroundings.ts";
import { verbFailure, verbSuccess } from "./verb-results.ts";

/** VMs that one host defines; an inventory must fit its record. */
const guestsMax = 400;

type StateVerb = Extract<Verb, { verb: "suspend" | "resume" | "start" | "stop" | "undefine" }>;

export interface GuestDeskOptions {
  readonly outbox: Outbox;
  readonly guests: GuestTable;
  readonly mover: Mover;
  readonly balancer: Balancer;
  readonly surroundings: Surroundings;
  readonly ownerOf: (vm: VmName) => HostId | null;
  /** Other hosts that own these VMs, at the highest version that is known of each. */
  readonly othersOwning: (vms: ReadonlySet<VmName>) => ReadonlyMap<VmName, OtherOwner>;
  /** True once the peer's inventory has come, in this life of the agent. */
  readonly heard: (peer: HostId) => boolean;
  readonly reply: (requestId: string, result: VerbResult) => void;
  readonly changed: (nowMs: number) => void;
}

export interface BootOptions {
  /** Hosts that the journal remembers. */
  readonly peers: readonly HostId[];
  /** To be persisted once the guests are started: the boot has been seen to. */
  readonly booted: JournalEntry;
}

export interface OtherOwner {
  readonly host: HostId;
  readonly version: number;
}

/** Operators' verbs on the VMs of this host: one unfinished action a VM, the next gets 409. */
export class GuestDesk {
  readonly #options: GuestDeskOptions;
  readonly #outbox: Outbox;
  /** What was wanted of the guests that an operation is changing. */
  readonly #desiredBefore = new Map<VmName, DesiredState>();
  /** Guests that wait to be started after the machine's boot. */
  readonly #toBoot = new Set<VmName>();
  /** Defined a moment ago: what is found to run already is to go on running. */
  readonly #adopting = new Set<VmName>();
  #bootWait: BootWait | undefined;
  #booting: BootOrder | undefined;
  #booted: JournalEntry | undefined;

  constructor(options: GuestDeskOptions) {
    this.#options = options;
    this.#outbox = options.outbox;
  }

  define(requestId: string, { spec }: Extract<Verb, { verb: "define" }>, nowMs: number): void {
    const { guests, surroundings } = this.#options;
    const guest = guests.get(spec.name);
    const owner = this.#options.ownerOf(spec.name);
    if (!guest && owner !== null) {
      const where = surroundings.nameOf(owner);
      this.#options.reply(
        requestId,
        verbFailure(409, `a VM named ${spec.name} is on ${where} already`),
      );
      return;
    }
    const { table } = this.#options.mover;
    if (guest && (isInUse(guest) || table.ofVm(spec.name))) {
      this.#options.reply(
        requestId,
        verbFailure(409, `${spec.name} is in use: stop it before changing its definition`),
      );
      return;
    }
    if (!guest && guests.size >= guestsMax) {
      this.#options.reply(
        requestId,
        verbFailure(409, `this host has ${guestsMax} VMs, which is the most`),
      );
      return;
    }
    const base = guest?.owned ?? { version: 1, desired: "stopped" as const, recentMoves: 0 };
    this.#keep({ ...base, spec }, nowMs);
    // It may run already: a domain that an admin made with libvirt's own tools is ours from now on.
    if (!guest) {
      this.#adopting.add(spec.name);
      this.#outbox.relist();
    }
    this.#options.reply(
      requestId,
      verbSuccess(200, `${spec.name} is ${guest ? "redefined" : "defined"}`),
    );
  }

  #keep(owned: OwnedVm, nowMs: number): void {
    this.#options.guests.own(owned, null, nowMs);
    this.#outbox.persist([journalEntry(journalKeys.vm(owned.spec.name), owned)]);
    this.#options.changed(nowMs);
  }

  carryOut(
    requestId: string,
    verb: Extract<Verb, { verb: "migrate" | "suspend" | "resume" | "start" | "stop" | "undefine" }>,
    nowMs: number,
  ): void {
    const { guests, mover, balancer } = this.#options;
    const guest = guests.get(verb.vm);
    const move = mover.table.ofVm(verb.vm);
    if (!guest || move) {
      const id = move?.move.facts.moveId ?? "";
      this.#options.reply(requestId, verbFailure(409, `${verb.vm} has an unfinished move (${id})`));
      return;
    }
    if (guest.action !== null) {
      this.#options.reply(requestId, verbFailure(409, `${verb.vm} is ${guest.action}`));
      return;
    }
    if (verb.verb === "migrate") {
      const refusal = balancer.askFor(verb.vm, verb.target, requestId, nowMs);
      if (refusal) this.#options.reply(requestId, verbFailure(refusal.status, refusal.message));
      return;
    }
    const refusal = stateRefusal(guest, verb.verb);
    if (refusal !== null) {
      this.#options.reply(requestId, verbFailure(409, refusal));
      return;
    }
    this.#act(guest, verb, { requestId }, nowMs);
  }

  /** Ends a guest that stays wanted: it is to run again once its host has booted. */
  end(guest: Guest, way: "suspend" | "stop", nowMs: number): void {
    const { name: vm } = guest.owned.spec;
    const verb = way === "stop" ? ({ verb: way, vm, force: false } as const) : { verb: way, vm };
    this.#act(guest, verb, { requestId: null, staysWanted: true }, nowMs);
  }

  #act(
    guest: Guest,
    verb: StateVerb,
    { requestId, staysWanted = false }: { requestId: string | null; staysWanted?: boolean },
    nowMs: number,
  ): void {
    const { spec } = guest.owned;
    const owner = { part: "guest", vm: spec.name } as const;
    guest.requestId = requestId;
    guest.action = actionOf[verb.verb];
    const desired = staysWanted ? null : desiredAfter[verb.verb];
    this.#desiredBefore.set(spec.name, guest.owned.desired);
    if (desired !== null && desired !== guest.owned.desired) {
      this.#keep({ ...guest.owned, desired }, nowMs);
    }
    switch (verb.verb) {
      case "start":
        this.#outbox.run({ op: "start", spec }, owner);
        break;
      case "stop":
        this.#outbox.run({ op: "stop", vm: spec.name, force: verb.force }, owner);
        break;
      case "suspend":
        this.#outbox.run({ op: "suspend", spec }, owner);
        break;
      case "resume":
        this.#outbox.run({ op: "resume", spec }, owner);
        break;
      case "undefine":
        this.#outbox.run({ op: "forget", vm: spec.name }, owner);
        break;
      default:
        assertNever(verb);
    }
    this.#options.changed(nowMs);
  }

  get nextTimeoutMs(): number | undefined {
    const waits = this.#toBoot.size > 0 && this.#booting === undefined;
    return waits ? this.#bootWait?.nextTimeoutMs : undefined;
  }

  timeout(nowMs: number): void {
    const wait = this.#bootWait;
    if (!wait || this.#toBoot.size === 0 || this.#booting || nowMs < wait.nextTimeoutMs) return;
    if (wait.over(this.#options.heard, nowMs)) this.#boot(nowMs);
  }

  /** Starts what was to run when the machine went down, once these peers were heard, or none came. */
  startAtBoot(guests: readonly Guest[], { peers, booted }: BootOptions, nowMs: number): void {
    for (const guest of guests) {
      guest.action = "starting";
      this.#toBoot.add(guest.owned.spec.name);
    }
    this.#bootWait = new BootWait(peers, nowMs);
    this.#booted = booted;
    this.timeout(nowMs);
  }

  #boot(nowMs: number): void {
    const queue = [...this.#toBoot].flatMap((vm) => this.#options.guests.get(vm) ?? []);
    // Looked at without what keeps others' hands off them meanwhile.
    for (const guest of queue) guest.action = null;
    this.copiesListed(nowMs);
    for (const guest of queue) guest.action = "starting";
    this.#booting = new BootOrder(queue.map(({ owned }) => owned.spec));
    this.#bootNext(nowMs);
    // Not before: an agent that dies while it waits must find that its machine has booted.
    if (this.#booted) this.#outbox.persist([this.#booted]);
  }

  /** Starts whose turn it is; the next come as these run. */
  #bootNext(nowMs: number): void {
    const order = this.#booting;
    if (!order) return;
    for (let vm = order.next(); vm !== undefined; vm = order.next()) {
      this.#toBoot.delete(vm);
      if (!this.#bootOne(vm, nowMs)) order.ended(vm);
    }
    if (order.isEmpty) this.#booting = undefined;
  }

  /** False when it is not to be started after all. */
  #bootOne(vm: VmName, nowMs: number): boolean {
    const { guests, othersOwning, surroundings } = this.#options;
    const guest = guests.get(vm);
    if (!guest) return false;
    guest.action = null;
    if (hasMemory(guest.copy)) return false;
    const other = othersOwning(new Set([vm])).get(vm);
    if (other && other.version > guest.owned.version) {
      const where = `${surroundings.nameOf(other.host)} has it at version ${other.version}`;
      const message = `${vm} is not started after the machine's boot: ${where}`;
      this.#outbox.notice("warn", "owner-elsewhere", message, { vm });
      return false;
    }
    const verb = guest.copy === "suspended" ? "resume" : "start";
    this.#outbox.notice("info", "boot", `${vm}: ${verb} after the machine's boot`, { vm });
    this.#act(guest, verb === "start" ? { verb, vm } : { verb, vm }, { requestId: null }, nowMs);
    return true;
  }

  /** Nobody is started any more: the host shuts down before all have had their turn. */
  stopBooting(): void {
    for (const vm of this.#toBoot) {
      const guest = this.#options.guests.get(vm);
      if (guest) guest.action = null;
    }
    this.#toBoot.clear();
    this.#booting = undefined;
  }

  /**
   * Gives up the VMs without a copy here that another host owns at a higher version: while this
   * host was off, an operator vouched for that and had them run there. Versions only rise by a move
   * or by that word, and a host without a copy has nothing to lose.
   */
  copiesListed(nowMs: number): void {
    const { guests, mover, othersOwning, surroundings } = this.#options;
    this.#adopt(nowMs);
    const bare = guests.all().filter((guest) => {
      const { name } = guest.owned.spec;
      const idle = guest.action === null && !mover.table.ofVm(name);
      return idle && (guest.copy === null || guest.copy === "stale");
    });
    if (bare.length === 0) return;
    const others = othersOwning(new Set(bare.map((guest) => guest.owned.spec.name)));
    for (const { owned } of bare) {
      const { name } = owned.spec;
      const other = others.get(name);
      if (!other || other.version <= owned.version) continue;
      guests.disown(name);
      this.#outbox.persist([journalEntry(journalKeys.vm(name), undefined)]);
      const where = surroundings.nameOf(other.host);
      const message = `${name} is ${where}'s now, at version ${other.version}: there is no copy of it here`;
      this.#outbox.notice("warn", "owner-elsewhere", message, { vm: name, host: where });
      this.#options.changed(nowMs);
    }
  }

  #adopt(nowMs: number): void {
    for (const vm of this.#adopting) {
      const guest = this.#options.guests.get(vm);
      if (!guest || !hasMemory(guest.copy) || guest.owned.desired !== "stopped") continue;
      this.#keep({ ...guest.owned, desired: "running" }, nowMs);
    }
    this.#adopting.clear();
  }

  /** An operation on a guest ended. */
  opEnded(pending: PendingOp, result: HostOpResult, nowMs: number): void {
    if (pending.owner.part !== "guest") return;
    const { guests } = this.#options;
    const { vm } = pending.owner;
    const guest = guests.get(vm);
    if (!guest) return;
    const { requestId, action } = guest;
    guest.action = null;
    guest.requestId = null;
    guest.lost = false;
    if (result.ok && action === "forgetting") {
      guests.disown(vm);
      this.#outbox.persist([journalEntry(journalKeys.vm(vm), undefined)]);
    }
    const ranBefore = this.#desiredBefore.get(vm) === "running";
    this.#desiredBefore.delete(vm);
    // An end that failed, or may have, is not wanted any more: a guest that runs on must not count
    // as suspended. A start that may have failed stays wanted, for the same reason.
    if (!result.ok && ranBefore && guest.owned.desired !== "running") {
      this.#keep({ ...guest.owned, desired: "running" }, nowMs);
    }
    // What the verb did is known before the next list says so: the next verb may build upon it.
    if (result.ok && action !== null) guest.copy = copyAfter[action];
    this.#outbox.relist();
    this.#options.changed(nowMs);
    this.#booting?.ended(vm);
    this.#bootNext(nowMs);
    const what = doneWord[action ?? "starting"];
    if (!result.ok) this.#outbox.notice("warn", "verb-failed", `${vm}: ${result.message}`, { vm });
    if (requestId === null) return;
    this.#options.reply(
      requestId,
      result.ok ? verbSuccess(200, `${vm} ${what}`) : verbFailure(500, result.message),
    );
  }
}

const actionOf: Readonly<
  Record<"start" | "stop" | "suspend" | "resume" | "undefine", GuestAction>
> = {
  start: "starting",
  stop: "stopping",
  suspend: "suspending",
  resume: "resuming",
  undefine: "forgetting",
};

const desiredAfter: Readonly<Record<StateVerb["verb"], DesiredState | null>> = {
  start: "running",
  stop: "stopped",
  suspend: "suspended",
  resume: "running",
  undefine: null,
};

const copyAfter: Readonly<Record<GuestAction, Guest["copy"]>> = {
  starting: "running",
  stopping: null,
  suspending: "suspended",
  resuming: "running",
  forgetting: null,
};

const doneWord: Readonly<Record<GuestAction, string>> = {
  starting: "runs",
  stopping: "is stopped",
  suspending: "is suspended",
  resuming: "runs again",
  forgetting: "is undefined",
};

function isInUse(guest: Guest): boolean {
  return hasMemory(guest.copy) || guest.copy === "suspended" || guest.action !== null;
}

/** Why the guest's state does not allow the verb; null when it does. */
function stateRefusal(guest: Guest, verb: StateVerb["verb"]): string | null {
  const { name } = guest.owned.spec;
  const lives = hasMemory(guest.copy);
  switch (verb) {
    case "start":
      if (lives) return `${name} runs already`;
      return guest.copy === "suspended" ? `${name} is suspended: resume it, or undefine it` : null;
    case "stop":
    case "suspend":
      return lives ? null : `${name} does not run`;
    case "resume":
      if (lives) return `${name} runs already`;
      if (guest.copy === "stale") {
        return `the suspended image of ${name} is stale (used up, or of another QEMU): start it anew`;
      }
      return guest.copy === "suspended" ? null : `${name} is not suspended`;
    case "undefine":
      return lives ? `${name} runs: stop it first` : null;
    default:
      return assertNever(verb);
  }
}
