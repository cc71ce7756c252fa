import type { CopyReport, ShownPolicy } from "../model/copy.ts";
import type { HostOpResult } from "../model/host-op.ts";
import type { VmName } from "../model/ids.ts";
import { changedPolicy, noPolicy, policyProblem, samePolicy } from "../model/policy-change.ts";
import { policyText } from "../model/policy-setting.ts";
import type { Verb, VerbResult } from "../model/verb.ts";
import type { VmPolicy } from "../model/vm-spec.ts";
import type { Guest, GuestTable } from "./guest-table.ts";
import { journalEntry, journalKeys } from "./journal-keys.ts";
import type { Mover } from "./mover.ts";
import type { Outbox, PendingOp } from "./outbox.ts";
import type { Self } from "./self.ts";
import { verbFailure, verbSuccess } from "./verb-results.ts";

export interface PolicyDeskOptions {
  readonly self: Self;
  readonly outbox: Outbox;
  readonly guests: GuestTable;
  readonly mover: Mover;
  readonly reply: (requestId: string, result: VerbResult) => void;
  readonly changed: (nowMs: number) => void;
}

/** A policy on its way to the hypervisor. */
interface Writing {
  readonly requestId: string | null;
  readonly policy: VmPolicy;
}

/**
 * The policies of this host's VMs. The journal's is the truth; where the hypervisor shows policies,
 * the two are kept alike: who wrote last, the operator's verb here or a hand there, has the say. A
 * policy that cannot be read changes nothing, and its VM stays where it is until it can.
 */
export class PolicyDesk {
  readonly #options: PolicyDeskOptions;
  readonly #outbox: Outbox;
  readonly #writing = new Map<VmName, Writing>();
  /** What could not be written, and is written again whatever is shown meanwhile. */
  readonly #unwritten = new Set<VmName>();

  constructor(options: PolicyDeskOptions) {
    this.#options = options;
    this.#outbox = options.outbox;
  }

  set(requestId: string, { vm, change }: Extract<Verb, { verb: "set" }>, nowMs: number): void {
    const { guests, mover, reply } = this.#options;
    const guest = guests.get(vm);
    const move = mover.table.ofVm(vm);
    if (!guest || move) {
      const id = move?.move.facts.moveId ?? "";
      reply(requestId, verbFailure(409, `${vm} has an unfinished move (${id}): set it after that`));
      return;
    }
    if (this.#writing.has(vm)) {
      reply(requestId, verbFailure(409, `the policy of ${vm} is being written: try again`));
      return;
    }
    const policy = changedPolicy(guest.owned.spec.policy, change);
    const problem = policyProblem(policy);
    if (problem !== null) {
      reply(requestId, verbFailure(400, problem));
      return;
    }
    if (!samePolicy(policy, guest.owned.spec.policy)) this.#keep(guest, policy, nowMs);
    if (this.#isShown()) this.#write(guest, requestId);
    else reply(requestId, verbSuccess(200, `${vm}: ${policyText(policy)}`));
  }

  /** What the hypervisor shows: taken over where a hand wrote it, written where it differs. */
  copiesListed(copies: readonly CopyReport[], nowMs: number): void {
    for (const { vm, policy: shown } of copies) {
      const guest = shown && this.#options.guests.get(vm);
      if (!shown || !guest || this.#writing.has(vm) || this.#options.mover.table.ofVm(vm)) continue;
      this.#compare(guest, shown, nowMs);
    }
  }

  #compare(guest: Guest, shown: ShownPolicy, nowMs: number): void {
    const { name, policy } = guest.owned.spec;
    if (this.#unwritten.has(name)) {
      this.#write(guest, null);
      return;
    }
    this.#tellProblem(guest, shown.problem, nowMs);
    if (shown.problem !== null) return;
    if (samePolicy(shown.policy ?? noPolicy, policy)) return;
    if (shown.policy !== null && shown.isEdited) {
      this.#keep(guest, shown.policy, nowMs);
      const message = `${name}: ${policyText(shown.policy)}, as the hypervisor shows it`;
      this.#outbox.notice("info", "policy", message, { vm: name });
    }
    this.#write(guest, null);
  }

  /** Once a problem: the same is not told at each look. */
  #tellProblem(guest: Guest, problem: string | null, nowMs: number): void {
    if (guest.policyProblem === problem) return;
    guest.policyProblem = problem;
    this.#options.changed(nowMs);
    const { name, policy } = guest.owned.spec;
    if (problem === null) return;
    const kept = `until then ${policyText(policy)} holds, and it is not moved`;
    this.#outbox.notice("warn", "policy-unreadable", `${name}: ${problem}; ${kept}`, { vm: name });
  }

  opEnded(pending: PendingOp, result: HostOpResult): void {
    if (pending.owner.part !== "policy") return;
    const { vm } = pending.owner;
    const writing = this.#writing.get(vm);
    this.#writing.delete(vm);
    if (!writing) return;
    if (result.ok) this.#unwritten.delete(vm);
    else {
      this.#unwritten.add(vm);
      const message = `${vm}: its policy could not be written to the hypervisor: ${result.message}`;
      this.#outbox.notice("warn", "policy-unwritten", message, { vm });
    }
    const later = result.ok ? "" : "; the hypervisor could not be told yet, and will be";
    const { requestId, policy } = writing;
    if (requestId === null) return;
    this.#options.reply(requestId, verbSuccess(200, `${vm}: ${policyText(policy)}${later}`));
  }

  #keep(guest: Guest, policy: VmPolicy, nowMs: number): void {
    const { spec } = guest.owned;
    const owned = { ...guest.owned, spec: { ...spec, policy } };
    this.#options.guests.own(owned, null, nowMs);
    this.#outbox.persist([journalEntry(journalKeys.vm(spec.name), owned)]);
    this.#options.changed(nowMs);
  }

  #write(guest: Guest, requestId: string | null): void {
    const { spec } = guest.owned;
    this.#writing.set(spec.name, { requestId, policy: spec.policy });
    this.#outbox.run({ op: "writePolicy", spec }, { part: "policy", vm: spec.name });
  }

  /** Only libvirt shows policies. */
  #isShown(): boolean {
    return this.#options.self.hypervisor.kind === "libvirt";
  }
}
