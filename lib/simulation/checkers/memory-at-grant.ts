import type { HostId, MoveId } from "../../model/ids.ts";
import type { ProposeMessage } from "../../wire/messages.ts";
import { hasProcess } from "../sim-copy.ts";
import type { SimFact } from "../sim-fact.ts";
import type { SimMachine } from "../sim-machine.ts";
import type { Checker } from "./checker.ts";
import { OpenProposals } from "./open-proposals.ts";

/** A grant whose copy has not been made by then has lapsed, ms. */
const grantMsMax = 6_000;

interface OpenGrant {
  readonly memoryBytes: number;
  readonly untilMs: number;
}

/** A host grants only what fits beside what it has, and beside what it granted before. */
export class MemoryAtGrant implements Checker {
  readonly name = "memory-at-grant";
  readonly facts = ["copyChanged", "agentKilled", "stepped"] as const;
  readonly #machineOf: (host: HostId) => SimMachine;
  readonly #proposals = new OpenProposals();
  readonly #open = new Map<HostId, Map<MoveId, OpenGrant>>();

  constructor(machineOf: (host: HostId) => SimMachine) {
    this.#machineOf = machineOf;
  }

  observe(fact: SimFact, nowMs: number): string | undefined {
    if (fact.type === "copyChanged") {
      const { after } = fact.change;
      if (after?.state === "receiving" && after.moveId) this.#close(fact.host, after.moveId);
    } else if (fact.type === "agentKilled") {
      this.#open.delete(fact.host);
      this.#proposals.forget(fact.host);
    } else if (fact.type === "stepped") return this.#onStep(fact, nowMs);
    return undefined;
  }

  settled(): undefined {
    return undefined;
  }

  #onStep(fact: Extract<SimFact, { type: "stepped" }>, nowMs: number): string | undefined {
    const { host, event } = fact;
    if (event.type === "messageReceived" && event.message.type === "abort") {
      this.#close(host, event.message.moveId);
    }
    for (const proposal of this.#proposals.grantedBy(fact)) {
      const objection = this.#granted(host, proposal, nowMs);
      if (objection !== undefined) return objection;
    }
    return undefined;
  }

  #close(host: HostId, moveId: MoveId): void {
    this.#open.get(host)?.delete(moveId);
  }

  #granted(host: HostId, { moveId, offer }: ProposeMessage, nowMs: number): string | undefined {
    const open = this.#open.get(host) ?? new Map<MoveId, OpenGrant>();
    this.#open.set(host, open);
    for (const [id, { untilMs }] of open) if (untilMs < nowMs) open.delete(id);
    open.set(moveId, { memoryBytes: offer.spec.memoryBytes, untilMs: nowMs + grantMsMax });
    const { size, host: hypervisor } = this.#machineOf(host);
    let usedBytes = size.reservedMemoryBytes;
    for (const copy of hypervisor.copies())
      if (hasProcess(copy)) usedBytes += copy.spec.memoryBytes;
    for (const { memoryBytes } of open.values()) usedBytes += memoryBytes;
    if (usedBytes <= size.memoryCapacityBytes) return undefined;
    return `${host} granted ${moveId}: ${usedBytes} of ${size.memoryCapacityBytes} bytes would be taken`;
  }
}
