import type { ShownPolicy } from "#lib/model/copy.ts";
import type { VmName } from "#lib/model/ids.ts";
import type { VmSpec } from "#lib/model/vm-spec.ts";
import { DomainCache } from "./domain-cache.ts";
import { type DomainLook, hasProcess } from "./domain-state.ts";
import type { DomainTable } from "./domain-table.ts";
import { policyElement, policyNamespace, readPolicyElement } from "./policy-element.ts";
import type { DomainEvent } from "./virsh-events.ts";
import type { VirshSession } from "./virsh-session.ts";

const NONE: ShownPolicy = { policy: null, isEdited: false, problem: null };
/** Prefix of the namespace in what virsh shows. */
const KEY = "evenkeel";

export interface DomainPoliciesParts {
  readonly asking: VirshSession;
  readonly ordering: VirshSession;
  readonly table: DomainTable;
}

/**
 * The policies in the domains' metadata: asked once, and again when libvirt tells that a domain
 * changed. A running domain has two, its own and that of its definition: `virsh edit` changes the
 * second alone, `virsh metadata` the first unless it is told otherwise. A hand in either counts.
 */
export class DomainPolicies {
  readonly #parts: DomainPoliciesParts;
  readonly #known = new DomainCache<ShownPolicy>();
  #turn: Promise<unknown> = Promise.resolve();

  constructor(parts: DomainPoliciesParts) {
    this.#parts = parts;
  }

  happened(event: DomainEvent | "missed"): void {
    this.#known.happened(event);
  }

  /** Forgets the domains that are no more. */
  keep(present: ReadonlySet<VmName>): void {
    this.#known.keep(present);
  }

  /** What this domain shows; undefined where libvirt does not say. */
  async shown(vm: VmName, look: DomainLook): Promise<ShownPolicy | undefined> {
    const known = this.#known.get(vm);
    if (known !== undefined) return known;
    const ask = () => this.#inTurn(() => this.#ask(vm, look));
    return this.#known.ask(vm, ask).catch(() => undefined);
  }

  /** Writes the policy into the running domain and its definition. No-op where there is neither. */
  async write({ name, policy }: VmSpec): Promise<void> {
    const { table, ordering } = this.#parts;
    const look = await table.look(name);
    if (look === undefined) return;
    const flags = [
      ...(hasProcess(look) ? ["--live"] : []),
      ...(look.isPersistent ? ["--config"] : []),
    ];
    const set = ["--key", KEY, "--set", policyElement(policy)];
    await ordering.ask(["metadata", name, "--uri", policyNamespace, ...set, ...flags]);
    this.happened({ vm: name, event: "metadata-change", detail: policyNamespace });
  }

  /** One domain after the other: the questions of many at once would leave none for a sample. */
  #inTurn<Value>(ask: () => Promise<Value>): Promise<Value> {
    const answer = this.#turn.then(ask);
    this.#turn = answer.catch(() => undefined);
    return answer;
  }

  async #ask(vm: VmName, look: DomainLook): Promise<ShownPolicy> {
    const both = hasProcess(look) && look.isPersistent;
    // The definition first: where both were edited, it is what holds from the next start on.
    const places = both ? ["--config", "--live"] : ["--current"];
    const shown: ShownPolicy[] = [];
    for (const place of places) shown.push(await this.#askOne(vm, place));
    const [first = NONE, second = first] = shown;
    if (first.isEdited || !second.isEdited) return first;
    return second;
  }

  async #askOne(vm: VmName, place: string): Promise<ShownPolicy> {
    try {
      const { asking } = this.#parts;
      return readPolicyElement(await asking.ask(["metadata", vm, "--uri", policyNamespace, place]));
    } catch (error) {
      if (/metadata not found|metadata element is not present/i.test((error as Error).message)) {
        return NONE;
      }
      throw error;
    }
  }
}
