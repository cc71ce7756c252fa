import { journalValues } from "../../core/journal-keys.ts";
import { copyRuns } from "../../model/copy.ts";
import type { HostId } from "../../model/ids.ts";
import type { OwnedVm } from "../../model/vm.ts";
import type { ProposeMessage } from "../../wire/messages.ts";
import type { SimCopy } from "../sim-copy.ts";
import type { SimFact } from "../sim-fact.ts";
import type { SimMachine } from "../sim-machine.ts";
import type { Checker } from "./checker.ts";
import { type OpenProposal, OpenProposals } from "./open-proposals.ts";

/** Companions that began to run less than this before the grant may not be known yet, ms. */
const knownMs = 5_000;

/**
 * What an admin asked of a VM holds at every grant: its pin, its anti-affinity and its affinity
 * group and, unless an operator says otherwise, that the balancer leaves it alone.
 */
export class RulesHold implements Checker {
  readonly name = "rules-hold";
  readonly facts = ["stepped", "agentKilled"] as const;
  readonly #machineOf: (host: HostId) => SimMachine;
  readonly #proposals = new OpenProposals();

  constructor(machineOf: (host: HostId) => SimMachine) {
    this.#machineOf = machineOf;
  }

  observe(fact: SimFact, nowMs: number): string | undefined {
    if (fact.type === "agentKilled") this.#proposals.forget(fact.host);
    if (fact.type !== "stepped") return undefined;
    for (const proposal of this.#proposals.grantedBy(fact)) {
      const { message } = proposal;
      const broken =
        this.#brokenBy(message, fact.host) ?? this.#tornApart(proposal, fact.host, nowMs);
      if (broken) return `${fact.host} granted ${message.moveId}: ${broken}`;
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

  /** Its companions stay behind, and there are none where it goes: only an empty host asks for that. */
  #tornApart({ from, message }: OpenProposal, host: HostId, nowMs: number): string | undefined {
    const { name, policy } = message.offer.spec;
    const group = policy.affinityGroup;
    if (group === null || message.reason === "drain") return undefined;
    const inGroup = (copy: SimCopy) => copy.spec.policy.affinityGroup === group;
    const target = this.#machineOf(host);
    if (target.host.copies().some(inGroup) || startsSome(target, group)) return undefined;
    const behind = this.#machineOf(from)
      .host.copies()
      .filter((copy) => inGroup(copy) && copy.spec.name !== name && copy.state === "running")
      .find(({ sinceMs }) => sinceMs !== null && nowMs - sinceMs > knownMs);
    return behind && `${behind.spec.name} of its affinity group ${group} stays behind`;
  }
}

/** After a power cut companions may be about to start there, one after the other. */
function startsSome({ journal }: SimMachine, group: string): boolean {
  return [...journalValues<OwnedVm>(journal.lines(), "vm/").values()].some(
    ({ spec, desired }) => desired === "running" && spec.policy.affinityGroup === group,
  );
}
