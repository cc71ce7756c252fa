import { copyRuns } from "../../model/copy.ts";
import type { HostId } from "../../model/ids.ts";
import type { ProposeMessage } from "../../wire/messages.ts";
import type { SimFact } from "../sim-fact.ts";
import type { SimMachine } from "../sim-machine.ts";
import type { Checker } from "./checker.ts";

/**
 * What an admin asked of a VM holds at every grant: its pin, its anti-affinity group and, unless an
 * operator says otherwise, that the balancer leaves it alone.
 */
export class RulesHold implements Checker {
  readonly name = "rules-hold";
  readonly #machineOf: (host: HostId) => SimMachine;
  readonly #proposals = new Map<string, ProposeMessage>();

  constructor(machineOf: (host: HostId) => SimMachine) {
    this.#machineOf = machineOf;
  }

  observe(fact: SimFact): string | undefined {
    if (fact.type !== "stepped") return undefined;
    const { event, effects, host } = fact;
    if (event.type === "messageReceived" && event.message.type === "propose") {
      this.#proposals.set(event.message.moveId, event.message);
    }
    for (const effect of effects) {
      if (effect.type !== "send" || effect.message.type !== "grant") continue;
      const proposal = this.#proposals.get(effect.message.moveId);
      const broken = proposal && this.#brokenBy(proposal, host);
      if (broken) return `${host} granted ${effect.message.moveId}: ${broken}`;
    }
    return undefined;
  }

  settled(): undefined {
    return undefined;
  }

  #brokenBy({ offer, reason }: ProposeMessage, host: HostId): string | undefined {
    const { pin, ignore, antiAffinityGroup: group } = offer.spec.policy;
    const machine = this.#machineOf(host);
    if (pin !== null && pin !== machine.name) return `it is pinned to ${pin}`;
    if (ignore && reason !== "operator") return "the balancer was told to ignore it";
    if (group === null) return undefined;
    // A copy that arrives or was refused does not run here; the former holds the host's only slot.
    const twin = machine.host
      .copies()
      .filter((copy) => copyRuns(copy.state))
      .find((copy) => copy.spec.policy.antiAffinityGroup === group);
    return twin && `${twin.spec.name} of its anti-affinity group ${group} is there`;
  }
}
