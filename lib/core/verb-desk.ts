import { assertNever } from "../base/assert.ts";
import { hashText } from "../base/prng.ts";
import type { HostOpResult } from "../model/host-op.ts";
import type { HostId, VmName } from "../model/ids.ts";
import type { Verb, VerbResult } from "../model/verb.ts";
import type { DesiredState, OwnedVm } from "../model/vm.ts";
import type { Balancer } from "./balancer.ts";
import type { Cluster } from "./cluster.ts";
import type { ExplainDesk } from "./explain-desk.ts";
import { type Guest, type GuestAction, type GuestTable, hasMemory } from "./guest-table.ts";
import { journalEntry, journalKeys } from "./journal-keys.ts";
import { clusterMode, modeDocument, modeDocumentName } from "./mode-document.ts";
import type { Mover } from "./mover.ts";
import type { Outbox, PendingOp } from "./outbox.ts";
import type { Self } from "./self.ts";
import type { Surroundings } from "./surroundings.ts";

/** Verbs on their way to another host at one time, and how long one may take. */
const forwardedMax = 64;
const forwardMs = 60_000;
/** VMs that one host defines; an inventory must fit its record. */
const guestsMax = 400;

export interface VerbDeskOptions {
  readonly self: Self;
  readonly outbox: Outbox;
  readonly cluster: Cluster;
  readonly guests: GuestTable;
  readonly mover: Mover;
  readonly balancer: Balancer;
  readonly surroundings: Surroundings;
  readonly explain: ExplainDesk;
  readonly changed: (nowMs: number) => void;
}

interface Waiting {
  readonly origin: HostId | null;
  readonly requestId: string;
}

/**
 * Carries out operators' verbs: those that concern this host here, the others by handing them to
 * the host concerned. Every verb gets exactly one answer, however it ends.
 */
export class VerbDesk {
  readonly #options: VerbDeskOptions;
  readonly #outbox: Outbox;
  /** Own askers that wait for another host. */
  readonly #forwarded = new Map<string, { readonly to: HostId; readonly untilMs: number }>();
  /** Remote askers that wait for us, by the id that we use inside. */
  readonly #remote = new Map<string, Waiting & { origin: HostId }>();

  constructor(options: VerbDeskOptions) {
    this.#options = options;
    this.#outbox = options.outbox;
  }

  nextTimeoutMs(): number | undefined {
    let next: number | undefined;
    for (const { untilMs } of this.#forwarded.values()) {
      if (next === undefined || untilMs < next) next = untilMs;
    }
    return next;
  }

  timeout(nowMs: number): void {
    for (const [requestId, { to, untilMs }] of [...this.#forwarded]) {
      if (untilMs > nowMs) continue;
      this.#forwarded.delete(requestId);
      const name = this.#options.surroundings.nameOf(to);
      this.#outbox.reply(requestId, failure(504, `${name} did not answer within a minute`));
    }
  }

  /** A verb from the local socket. */
  asked(requestId: string, verb: Verb, nowMs: number): void {
    const owner = this.#hostOf(verb);
    if (owner === null) {
      this.#outbox.reply(requestId, this.#unknownObject(verb));
    } else if (owner === this.#options.self.options.self) {
      this.#carryOut(requestId, verb, nowMs);
    } else this.#forward(requestId, owner, verb, nowMs);
  }

  /** A verb that another host's operator gave and that concerns us. */
  askedByPeer(from: HostId, requestId: string, verb: Verb, nowMs: number): void {
    const inside = `${from}/${requestId}`;
    if (!this.#options.self.options.keyed || this.#remote.size >= forwardedMax) {
      const result = failure(503, "the host takes no remote verbs now");
      this.#outbox.send(from, { type: "verbReply", requestId, result });
      return;
    }
    this.#remote.set(inside, { origin: from, requestId });
    if (this.#hostOf(verb) === this.#options.self.options.self) {
      this.#carryOut(inside, verb, nowMs);
    } else this.reply(inside, failure(404, "it is not here any more; ask again"));
  }

  replied(from: HostId, requestId: string, result: VerbResult): void {
    if (this.#forwarded.get(requestId)?.to !== from) return;
    this.#forwarded.delete(requestId);
    this.#outbox.reply(requestId, result);
  }

  /** Sends an answer to whoever asked, here or elsewhere. */
  reply(requestId: string, result: VerbResult): void {
    const remote = this.#remote.get(requestId);
    if (!remote) {
      this.#outbox.reply(requestId, result);
      return;
    }
    this.#remote.delete(requestId);
    this.#outbox.send(remote.origin, {
      type: "verbReply",
      requestId: remote.requestId,
      result,
    });
  }

  /** True for an id that a remote asker waits under. */
  isRemote(requestId: string): boolean {
    return this.#remote.has(requestId);
  }

  /** The host that can carry the verb out; null when nobody can. */
  #hostOf(verb: Verb): HostId | null {
    const self = this.#options.self.options.self;
    switch (verb.verb) {
      case "mode":
      case "define":
        return self;
      case "drain":
      case "undrain":
        return verb.host;
      default:
        return this.#ownerOf(verb.vm);
    }
  }

  #ownerOf(vm: VmName): HostId | null {
    const { self, guests, mover, cluster } = this.#options;
    if (guests.get(vm) || mover.table.ofVm(vm)) return self.options.self;
    let owner: { host: HostId; version: number } | null = null;
    for (const host of cluster.view.hosts()) {
      const entries = cluster.view.inventoryOf(host)?.record.body.vms ?? [];
      const entry = entries.find((one) => one.name === vm);
      if (entry && (!owner || entry.version > owner.version)) {
        owner = { host, version: entry.version };
      }
    }
    return owner?.host ?? null;
  }

  #unknownObject(verb: Verb): VerbResult {
    const name = "vm" in verb ? verb.vm : "it";
    return failure(404, `no VM named ${name} is known; 'evenkeel vms' lists those that are`);
  }

  #forward(requestId: string, to: HostId, verb: Verb, nowMs: number): void {
    const { cluster, surroundings, self } = this.#options;
    const name = surroundings.nameOf(to);
    if (!self.options.keyed) {
      this.#outbox.reply(requestId, noKey());
    } else if (cluster.membership.stateOf(to) !== "alive") {
      const state = cluster.membership.stateOf(to) ?? "not a member";
      this.#outbox.reply(requestId, failure(503, `${name} is ${state}: only it can do this`));
    } else if (this.#forwarded.size >= forwardedMax) {
      this.#outbox.reply(requestId, failure(503, "too many verbs wait for other hosts"));
    } else {
      this.#forwarded.set(requestId, { to, untilMs: nowMs + forwardMs });
      this.#outbox.send(to, { type: "verbRequest", requestId, verb });
    }
  }

  #carryOut(requestId: string, verb: Verb, nowMs: number): void {
    const { keyed } = this.#options.self.options;
    if (!keyed && (verb.verb === "mode" || verb.verb === "drain" || verb.verb === "migrate")) {
      this.reply(requestId, noKey());
      return;
    }
    switch (verb.verb) {
      case "mode":
        this.#setMode(requestId, verb.mode);
        return;
      case "drain":
      case "undrain":
        this.#setDraining(requestId, verb.verb === "drain", nowMs);
        return;
      case "define":
        this.#define(requestId, verb, nowMs);
        return;
      case "explain": {
        const data = JSON.stringify(this.#options.explain.explain(verb.vm, nowMs));
        this.reply(requestId, { status: 200, message: "", data, moveId: null });
        return;
      }
      case "cancel": {
        const reason = "cancelled by the operator";
        const refusal = this.#options.mover.cancel(verb.vm, reason, nowMs);
        this.reply(
          requestId,
          refusal === null
            ? success(202, `cancelling the move of ${verb.vm}`)
            : failure(409, refusal),
        );
        return;
      }
      case "resolve":
        this.#resolve(requestId, verb, nowMs);
        return;
      default:
        this.#withGuest(requestId, verb, nowMs);
    }
  }

  #setMode(requestId: string, mode: "act" | "hold"): void {
    const { cluster, self } = this.#options;
    const known = cluster.view.document(modeDocumentName);
    if (clusterMode(known) === mode && known) {
      this.reply(requestId, success(200, `the cluster is on ${mode} already`));
      return;
    }
    const document = modeDocument(mode, (known?.version ?? 0) + 1, self.options.self, hashText);
    cluster.publishDocument(document);
    const meaning =
      mode === "act" ? "every host may make the moves that it finds" : "no new moves anywhere";
    this.reply(requestId, success(200, `the cluster is on ${mode}: ${meaning}`));
  }

  #setDraining(requestId: string, draining: boolean, nowMs: number): void {
    const { self } = this.#options;
    self.draining = draining;
    this.#outbox.persist([journalEntry(journalKeys.draining, draining ? true : undefined)]);
    this.#options.changed(nowMs);
    const { name } = self.options;
    this.#outbox.notice(
      "info",
      draining ? "drain" : "undrain",
      `${name} ${draining ? "drains" : "drains no more"}`,
    );
    this.reply(
      requestId,
      success(draining ? 202 : 200, draining ? `draining ${name}` : `${name} takes VMs again`),
    );
  }

  #define(requestId: string, { spec }: Extract<Verb, { verb: "define" }>, nowMs: number): void {
    const { guests, surroundings } = this.#options;
    const guest = guests.get(spec.name);
    const owner = this.#ownerOf(spec.name);
    if (!guest && owner !== null) {
      const where = surroundings.nameOf(owner);
      this.reply(requestId, failure(409, `a VM named ${spec.name} is on ${where} already`));
      return;
    }
    if (guest && (hasMemory(guest.copy) || guest.copy === "suspended" || guest.action !== null)) {
      this.reply(
        requestId,
        failure(409, `${spec.name} is in use: stop it before changing its definition`),
      );
      return;
    }
    if (!guest && guests.size >= guestsMax) {
      this.reply(requestId, failure(409, `this host has ${guestsMax} VMs, which is the most`));
      return;
    }
    const base = guest?.owned ?? { version: 1, desired: "stopped" as const, recentMoves: 0 };
    this.#keep({ ...base, spec }, nowMs);
    this.reply(requestId, success(200, `${spec.name} is ${guest ? "redefined" : "defined"}`));
  }

  #keep(owned: OwnedVm, nowMs: number): void {
    this.#options.guests.own(owned, null, nowMs);
    this.#outbox.persist([journalEntry(journalKeys.vm(owned.spec.name), owned)]);
    this.#options.changed(nowMs);
  }

  #resolve(requestId: string, verb: Extract<Verb, { verb: "resolve" }>, nowMs: number): void {
    const { mover, surroundings } = this.#options;
    const entry = mover.table.ofVm(verb.vm);
    if (!entry) {
      this.reply(requestId, failure(409, `${verb.vm} has no unfinished move here`));
      return;
    }
    if (entry.move.facts.peer !== verb.fenced) {
      const other = surroundings.nameOf(entry.move.facts.peer);
      const message = `the other end of ${verb.vm}'s move is ${other}: fence that host, and name it`;
      this.reply(requestId, failure(409, message));
      return;
    }
    if (!entry.move.inDoubt(nowMs)) {
      this.reply(requestId, failure(409, `${verb.vm} is not in doubt: its move is going on`));
      return;
    }
    mover.resolve(verb.vm, verb.decision, nowMs);
    this.reply(requestId, success(202, `${verb.vm}: ${verb.decision}, by your word`));
  }

  #withGuest(
    requestId: string,
    verb: Extract<Verb, { verb: "migrate" | "suspend" | "resume" | "start" | "stop" | "undefine" }>,
    nowMs: number,
  ): void {
    const { guests, mover, balancer } = this.#options;
    const guest = guests.get(verb.vm);
    const move = mover.table.ofVm(verb.vm);
    if (!guest || move) {
      const id = move?.move.facts.moveId ?? "";
      this.reply(requestId, failure(409, `${verb.vm} has an unfinished move (${id})`));
      return;
    }
    if (guest.action !== null) {
      this.reply(requestId, failure(409, `${verb.vm} is ${guest.action}`));
      return;
    }
    if (verb.verb === "migrate") {
      const refusal = balancer.askFor(verb.vm, verb.target, requestId, nowMs);
      if (refusal) this.reply(requestId, failure(refusal.status, refusal.message));
      return;
    }
    const refusal = stateRefusal(guest, verb.verb);
    if (refusal !== null) {
      this.reply(requestId, failure(409, refusal));
      return;
    }
    this.#act(guest, verb, requestId, nowMs);
  }

  #act(
    guest: Guest,
    verb: Extract<Verb, { verb: "suspend" | "resume" | "start" | "stop" | "undefine" }>,
    requestId: string | null,
    nowMs: number,
  ): void {
    const { spec } = guest.owned;
    const owner = { part: "guest", vm: spec.name } as const;
    guest.requestId = requestId;
    guest.action = actionOf[verb.verb];
    const desired = desiredAfter[verb.verb];
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

  /** Starts what was to run when the machine went down. */
  startAtBoot(guest: Guest, nowMs: number): void {
    const { name } = guest.owned.spec;
    const verb = guest.copy === "suspended" ? "resume" : "start";
    this.#outbox.notice("info", "boot", `${name}: ${verb} after the machine's boot`, { vm: name });
    this.#act(guest, verb === "start" ? { verb, vm: name } : { verb, vm: name }, null, nowMs);
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
    if (result.ok && (action === "starting" || action === "resuming")) guest.copy = "running";
    this.#outbox.relist();
    this.#options.changed(nowMs);
    const what = doneWord[action ?? "starting"];
    if (!result.ok) this.#outbox.notice("warn", "verb-failed", `${vm}: ${result.message}`, { vm });
    if (requestId === null) return;
    this.reply(requestId, result.ok ? success(200, `${vm} ${what}`) : failure(500, result.message));
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

const desiredAfter: Readonly<
  Record<"start" | "stop" | "suspend" | "resume" | "undefine", DesiredState | null>
> = {
  start: "running",
  stop: "stopped",
  suspend: "suspended",
  resume: "running",
  undefine: null,
};

const doneWord: Readonly<Record<GuestAction, string>> = {
  starting: "runs",
  stopping: "is stopped",
  suspending: "is suspended",
  resuming: "runs again",
  forgetting: "is undefined",
};

/** Why the guest's state does not allow the verb; null when it does. */
function stateRefusal(
  guest: Guest,
  verb: "suspend" | "resume" | "start" | "stop" | "undefine",
): string | null {
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

function success(status: number, message: string): VerbResult {
  return { status, message, data: null, moveId: null };
}

function failure(status: number, message: string): VerbResult {
  return { status, message, data: null, moveId: null };
}

function noKey(): VerbResult {
  return failure(
    403,
    "this agent has no cluster key and never acts: make one with 'evenkeel key generate', put it " +
      "on every host and restart the agents",
  );
}
