import type { Notice } from "../../core/effects.ts";
import type { HostId, MoveId } from "../../model/ids.ts";
import type { ProposeMessage } from "../../wire/messages.ts";
import { hasProcess } from "../sim-copy.ts";
import type { SimFact } from "../sim-fact.ts";
import type { SimMachine } from "../sim-machine.ts";
import type { Checker } from "./checker.ts";
import { OpenProposals } from "./open-proposals.ts";

/**
 * A host grants only what fits beside what it has, and beside what it granted before and has neither
 * made a copy for nor given up.
 */
export class MemoryAtGrant implements Checker {
  readonly name = "memory-at-grant";
  readonly facts = ["copyChanged", "agentKilled", "stepped"] as const;
  readonly #machineOf: (host: HostId) => SimMachine;
  readonly #proposals = new OpenProposals();
  /** Memory of grants without a copy yet, bytes. */
  readonly #open = new Map<HostId, Map<MoveId, number>>();

  constructor(machineOf: (host: HostId) => SimMachine) {
    this.#machineOf = machineOf;
  }

  observe(fact: SimFact): string | undefined {
    if (fact.type === "copyChanged") {
      const { after } = fact.change;
      if (after?.state === "receiving" && after.moveId) this.#close(fact.host, after.moveId);
    } else if (fact.type === "agentKilled") {
      this.#open.delete(fact.host);
      this.#proposals.forget(fact.host);
    } else if (fact.type === "stepped") return this.#onStep(fact);
    return undefined;
  }

  settled(): undefined {
    return undefined;
  }

  #onStep(fact: Extract<SimFact, { type: "stepped" }>): string | undefined {
    const { host } = fact;
    for (const effect of fact.effects) {
      if (effect.type === "notice" && givesUp(effect.notice)) {
        this.#close(host, String(effect.notice.facts["moveId"]));
      }
    }
    for (const { message } of this.#proposals.grantedBy(fact)) {
      const objection = this.#granted(host, message);
      if (objection !== undefined) return objection;
    }
    return undefined;
  }

  #close(host: HostId, moveId: MoveId): void {
    this.#open.get(host)?.delete(moveId);
  }

  #granted(host: HostId, { moveId, offer }: ProposeMessage): string | undefined {
    const open = this.#open.get(host) ?? new Map<MoveId, number>();
    this.#open.set(host, open.set(moveId, offer.spec.memoryBytes));
    const { size, host: hypervisor } = this.#machineOf(host);
    let usedBytes = size.reservedMemoryBytes;
    for (const copy of hypervisor.copies())
      if (hasProcess(copy)) usedBytes += copy.spec.memoryBytes;
    for (const memoryBytes of open.values()) usedBytes += memoryBytes;
    if (usedBytes <= size.memoryCapacityBytes) return undefined;
    return `${host} granted ${moveId}: ${usedBytes} of ${size.memoryCapacityBytes} bytes would be taken`;
  }
}

/** A refused move may be remembered for long, and needs nothing any more. */
function givesUp({ code, facts }: Notice): boolean {
  return code === "move-ended" || (code === "move-phase" && facts["phase"] === "refused");
}
