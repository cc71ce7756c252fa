import { earliestMs } from "../base/earliest.ts";
import { hashText } from "../base/prng.ts";
import type { ActionReason } from "../model/action.ts";
import type { CopyReport } from "../model/copy.ts";
import type { HostOpResult } from "../model/host-op.ts";
import type { HostId, VmName } from "../model/ids.ts";
import type { Verb, VerbName, VerbResult } from "../model/verb.ts";
import type { Balancer } from "./balancer.ts";
import type { Cluster } from "./cluster.ts";
import type { ExplainDesk } from "./explain-desk.ts";
import { GuestDesk, type OtherOwner } from "./guest-desk.ts";
import type { GuestTable } from "./guest-table.ts";
import { journalEntry, journalKeys } from "./journal-keys.ts";
import { clusterMode, modeDocument, modeDocumentName } from "./mode-document.ts";
import { isSource } from "./move-table.ts";
import type { Mover } from "./mover.ts";
import type { Outbox, PendingOp } from "./outbox.ts";
import { PolicyDesk } from "./policy-desk.ts";
import type { Self } from "./self.ts";
import type { MemberPlace } from "./service-desk.ts";
import { ServiceRegister } from "./service-register.ts";
import { ShutdownDesk } from "./shutdown-desk.ts";
import type { Surroundings } from "./surroundings.ts";
import { verbFailure, verbSuccess, verbWithoutKey } from "./verb-results.ts";

/** Verbs on their way to another host at one time, and how long one may take. */
const forwardedMax = 64;
const forwardMs = 60_000;
/** What concerns others is nobody's to say in the open. */
const keyedOnly: ReadonlySet<VerbName> = new Set([
  "mode",
  "drain",
  "migrate",
  "serviceApply",
  "serviceDelete",
  "serviceScale",
]);

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
  /** Why this host must not act for this reason now, in words; null when it may. */
  readonly heldBack: (reason: ActionReason, nowMs: number) => string | null;
  /** Whose member a VM of this name is, and where; undefined when it is none. */
  readonly memberNamed: (vm: VmName) => MemberPlace | undefined;
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
  /** Verbs on this host's VMs. */
  readonly guests: GuestDesk;
  /** What is asked of the cluster for this host's VMs. */
  readonly policies: PolicyDesk;
  /** What becomes of this host's VMs as it shuts down. */
  readonly shutdown: ShutdownDesk;
  /** Services, and the verbs on them. */
  readonly services: ServiceRegister;
  readonly #options: VerbDeskOptions;
  readonly #outbox: Outbox;
  /** Own askers that wait for another host. */
  readonly #forwarded = new Map<string, { readonly to: HostId; readonly untilMs: number }>();
  /** Remote askers that wait for us, by the id that we use inside. */
  readonly #remote = new Map<string, Waiting & { origin: HostId }>();

  constructor(options: VerbDeskOptions) {
    this.#options = options;
    this.#outbox = options.outbox;
    this.guests = new GuestDesk({
      ...options,
      ownerOf: (vm) => this.#ownerOf(vm),
      reply: (requestId, result) => this.reply(requestId, result),
      othersOwning: (vms) => this.#othersOwning(vms),
      heard: (peer) => options.cluster.view.inventoryOf(peer) !== undefined,
    });
    this.policies = new PolicyDesk({
      ...options,
      reply: (requestId, result) => this.reply(requestId, result),
    });
    this.shutdown = new ShutdownDesk({
      ...options,
      reply: (requestId, result) => this.reply(requestId, result),
      end: (guest, way, nowMs) => this.guests.end(guest, way, nowMs),
    });
    this.services = new ServiceRegister({
      self: options.self.options.self,
      cluster: options.cluster,
      nameOf: (host) => options.surroundings.nameOf(host),
    });
  }

  copiesListed(copies: readonly CopyReport[], nowMs: number): void {
    this.guests.copiesListed(nowMs);
    this.policies.copiesListed(copies, nowMs);
    this.shutdown.happened(nowMs);
  }

  /** An operation on a guest, or with its policy, ended. */
  opEnded(pending: PendingOp, result: HostOpResult, nowMs: number): void {
    if (pending.owner.part === "policy") this.policies.opEnded(pending, result);
    else this.guests.opEnded(pending, result, nowMs);
    this.shutdown.happened(nowMs);
  }

  nextTimeoutMs(): number | undefined {
    const waits = [...this.#forwarded.values()].map(({ untilMs }) => untilMs);
    return earliestMs(this.guests.nextTimeoutMs, this.shutdown.nextTimeoutMs, ...waits);
  }

  timeout(nowMs: number): void {
    this.guests.timeout(nowMs);
    this.shutdown.timeout(nowMs);
    for (const [requestId, { to, untilMs }] of [...this.#forwarded]) {
      if (untilMs > nowMs) continue;
      this.#forwarded.delete(requestId);
      const name = this.#options.surroundings.nameOf(to);
      this.#outbox.reply(requestId, verbFailure(504, `${name} did not answer within a minute`));
    }
  }

  /** A verb from the local socket. */
  asked(requestId: string, verb: Verb, nowMs: number): void {
    const refusal = this.#memberRefusal(verb);
    if (refusal) {
      this.#outbox.reply(requestId, refusal);
      return;
    }
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
      const result = verbFailure(503, "the host takes no remote verbs now");
      this.#outbox.send(from, { type: "verbReply", requestId, result });
      return;
    }
    this.#remote.set(inside, { origin: from, requestId });
    const refusal = this.#memberRefusal(verb);
    if (refusal) this.reply(inside, refusal);
    else if (this.#hostOf(verb) === this.#options.self.options.self) {
      this.#carryOut(inside, verb, nowMs);
    } else this.reply(inside, verbFailure(404, "it is not here any more; ask again"));
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

  /** Members are the services' affair: no verb on a VM changes them. */
  #memberRefusal(verb: Verb): VerbResult | null {
    if (verb.verb === "explain") return null;
    const vm = verb.verb === "define" ? verb.spec.name : "vm" in verb ? verb.vm : null;
    const member = vm === null ? undefined : this.#options.memberNamed(vm);
    if (vm === null || member === undefined) return null;
    const whose = `${vm} is a member of service ${member.service} and never migrates`;
    return verbFailure(
      409,
      `${whose}: use 'evenkeel service' ('evenkeel explain ${vm}' shows where it could be shifted)`,
    );
  }

  /** The host that can carry the verb out; null when nobody can. */
  #hostOf(verb: Verb): HostId | null {
    const self = this.#options.self.options.self;
    switch (verb.verb) {
      case "mode":
      case "define":
      case "shutdown":
      case "serviceApply":
      case "serviceDelete":
      case "serviceScale":
        return self;
      case "drain":
      case "undrain":
        return verb.host;
      case "cancel":
        return this.#sourceOf(verb.vm) ?? this.#ownerOf(verb.vm);
      case "explain": {
        const { vm } = verb;
        const member = this.#options.memberNamed(vm);
        return member?.host ?? this.#sourceOf(vm) ?? this.#ownerOf(vm);
      }
      default:
        return this.#ownerOf(verb.vm);
    }
  }

  /** Where a VM that is on its way here comes from: it belongs there until the move is committed. */
  #sourceOf(vm: VmName): HostId | null {
    const { guests, mover } = this.#options;
    const entry = guests.get(vm) ? undefined : mover.table.ofVm(vm);
    return entry && !isSource(entry) ? entry.move.facts.peer : null;
  }

  #ownerOf(vm: VmName): HostId | null {
    const { self, guests, mover } = this.#options;
    if (guests.get(vm) || mover.table.ofVm(vm)) return self.options.self;
    return this.#othersOwning(new Set([vm])).get(vm)?.host ?? null;
  }

  #othersOwning(vms: ReadonlySet<VmName>): ReadonlyMap<VmName, OtherOwner> {
    const { cluster, self } = this.#options;
    const owners = new Map<VmName, OtherOwner>();
    for (const host of cluster.view.hosts()) {
      if (host === self.options.self) continue;
      for (const { name, version } of cluster.view.inventoryOf(host)?.record.body.vms ?? []) {
        const known = vms.has(name) ? owners.get(name) : undefined;
        if (vms.has(name) && (!known || version > known.version))
          owners.set(name, { host, version });
      }
    }
    return owners;
  }

  #unknownObject(verb: Verb): VerbResult {
    const name = "vm" in verb ? verb.vm : "it";
    return verbFailure(404, `no VM named ${name} is known; 'evenkeel vms' lists those that are`);
  }

  #forward(requestId: string, to: HostId, verb: Verb, nowMs: number): void {
    const { cluster, surroundings, self } = this.#options;
    const name = surroundings.nameOf(to);
    if (!self.options.keyed) {
      this.#outbox.reply(requestId, verbWithoutKey());
    } else if (cluster.membership.stateOf(to) !== "alive") {
      const state = cluster.membership.stateOf(to) ?? "not a member";
      this.#outbox.reply(requestId, verbFailure(503, `${name} is ${state}: only it can do this`));
    } else if (this.#forwarded.size >= forwardedMax) {
      this.#outbox.reply(requestId, verbFailure(503, "too many verbs wait for other hosts"));
    } else {
      this.#forwarded.set(requestId, { to, untilMs: nowMs + forwardMs });
      this.#outbox.send(to, { type: "verbRequest", requestId, verb });
    }
  }

  #carryOut(requestId: string, verb: Verb, nowMs: number): void {
    const { keyed } = this.#options.self.options;
    if (!keyed && keyedOnly.has(verb.verb)) {
      this.reply(requestId, verbWithoutKey());
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
      case "shutdown":
        this.guests.stopBooting();
        this.shutdown.begin(requestId, verb, nowMs);
        return;
      case "define":
        this.guests.define(requestId, verb, nowMs);
        return;
      case "set":
        this.policies.set(requestId, verb, nowMs);
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
            ? verbSuccess(202, `cancelling the move of ${verb.vm}`)
            : verbFailure(409, refusal),
        );
        return;
      }
      case "resolve":
        this.#resolve(requestId, verb, nowMs);
        return;
      case "serviceApply":
      case "serviceDelete":
      case "serviceScale":
        this.reply(requestId, this.services.carryOut(verb));
        return;
      default:
        if (this.shutdown.isOpen && (verb.verb === "start" || verb.verb === "resume")) {
          this.reply(requestId, verbFailure(409, "the host ends its guests: it shuts down"));
        } else this.guests.carryOut(requestId, verb, nowMs);
    }
  }

  #setMode(requestId: string, mode: "act" | "hold"): void {
    const { cluster, self } = this.#options;
    const known = cluster.view.document(modeDocumentName);
    if (clusterMode(known) === mode && known) {
      this.reply(requestId, verbSuccess(200, `the cluster is on ${mode} already`));
      return;
    }
    const document = modeDocument(mode, (known?.version ?? 0) + 1, self.options.self, hashText);
    cluster.publishDocument(document);
    const meaning =
      mode === "act" ? "every host may make the moves that it finds" : "no new moves anywhere";
    this.reply(requestId, verbSuccess(200, `the cluster is on ${mode}: ${meaning}`));
  }

  #setDraining(requestId: string, draining: boolean, nowMs: number): void {
    const { self } = this.#options;
    self.draining = draining;
    if (!draining) this.shutdown.cancel(nowMs);
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
      verbSuccess(draining ? 202 : 200, draining ? `draining ${name}` : `${name} takes VMs again`),
    );
  }

  #resolve(requestId: string, verb: Extract<Verb, { verb: "resolve" }>, nowMs: number): void {
    const { mover, surroundings } = this.#options;
    const unclosed = mover.table.unclosedOf(verb.vm);
    const entry = mover.table.ofVm(verb.vm) ?? unclosed;
    if (!entry) {
      this.reply(requestId, verbFailure(409, `${verb.vm} has no unfinished move here`));
      return;
    }
    if (entry.move.facts.peer !== verb.fenced) {
      const other = surroundings.nameOf(entry.move.facts.peer);
      const message = `the other end of ${verb.vm}'s move is ${other}: fence that host, and name it`;
      this.reply(requestId, verbFailure(409, message));
      return;
    }
    const closes = entry === unclosed && verb.decision === "run-here";
    if (!closes && !entry.move.inDoubt(nowMs)) {
      this.reply(requestId, verbFailure(409, `${verb.vm} is not in doubt: its move is going on`));
      return;
    }
    const { version } = entry.move.facts;
    const other = this.#othersOwning(new Set([verb.vm])).get(verb.vm);
    if (
      verb.decision === "run-here" &&
      other &&
      other.host !== verb.fenced &&
      other.version > version
    ) {
      const where = `${surroundings.nameOf(other.host)}, at version ${other.version}`;
      this.reply(
        requestId,
        verbFailure(409, `${verb.vm} has gone on to ${where}: discard it here`),
      );
      return;
    }
    mover.resolve(verb.vm, verb.decision, nowMs);
    this.reply(requestId, verbSuccess(202, `${verb.vm}: ${verb.decision}, by your word`));
  }
}
