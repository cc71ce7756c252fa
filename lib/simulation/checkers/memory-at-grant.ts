import type { HostId, MoveId } from "../../model/ids.ts";
import type { Message } from "../../wire/messages.ts";
import { hasProcess } from "../sim-copy.ts";
import type { SimFact } from "../sim-fact.ts";
import type { SimMachine } from "../sim-machine.ts";
import type { Checker } from "./checker.ts";

/** A grant whose copy has not been made by then has lapsed, ms. */
const grantMsMax = 6_000;

interface OpenGrant {
  readonly host: HostId;
  readonly memoryBytes: number;
  readonly untilMs: number;
}

/** A host grants only what fits beside what it has, and beside what it granted before. */
export class MemoryAtGrant implements Checker {
  readonly name = "memory-at-grant";
  readonly #machineOf: (host: HostId) => SimMachine;
  readonly #proposed = new Map<MoveId, number>();
  readonly #open = new Map<MoveId, OpenGrant>();

  constructor(machineOf: (host: HostId) => SimMachine) {
    this.#machineOf = machineOf;
  }

  observe(fact: SimFact, nowMs: number): string | undefined {
    if (fact.type === "copyChanged") {
      const { after } = fact.change;
      if (after?.state === "receiving" && after.moveId) this.#open.delete(after.moveId);
    } else if (fact.type === "agentKilled") this.#forget(fact.host);
    else if (fact.type === "stepped") return this.#onStep(fact, nowMs);
    return undefined;
  }

  #onStep(
    { host, event, effects }: Extract<SimFact, { type: "stepped" }>,
    nowMs: number,
  ): string | undefined {
    if (event.type === "messageReceived") this.#onMessage(event.message);
    for (const effect of effects) {
      if (effect.type !== "send" || effect.message.type !== "grant") continue;
      const objection = this.#granted(host, effect.message.moveId, nowMs);
      if (objection !== undefined) return objection;
    }
    return undefined;
  }

  #onMessage(message: Message): void {
    if (message.type === "abort") this.#open.delete(message.moveId);
    else if (message.type === "propose") {
      this.#proposed.set(message.moveId, message.offer.spec.memoryBytes);
    }
  }

  settled(): undefined {
    return undefined;
  }

  #forget(host: HostId): void {
    for (const [moveId, grant] of this.#open) if (grant.host === host) this.#open.delete(moveId);
  }

  #granted(host: HostId, moveId: MoveId, nowMs: number): string | undefined {
    const memoryBytes = this.#proposed.get(moveId) ?? 0;
    this.#open.set(moveId, { host, memoryBytes, untilMs: nowMs + grantMsMax });
    const { size, host: hypervisor } = this.#machineOf(host);
    let usedBytes = size.reservedMemoryBytes;
    for (const copy of hypervisor.copies())
      if (hasProcess(copy)) usedBytes += copy.spec.memoryBytes;
    for (const grant of this.#open.values()) {
      if (grant.host === host && grant.untilMs >= nowMs) usedBytes += grant.memoryBytes;
    }
    if (usedBytes <= size.memoryCapacityBytes) return undefined;
    return `${host} granted ${moveId}: ${usedBytes} of ${size.memoryCapacityBytes} bytes would be taken`;
  }
}
