import type { Effect } from "../../core/effects.ts";
import type { HostId, VmName } from "../../model/ids.ts";
import { readMemberName } from "../../services/member-name.ts";
import type { SimFact } from "../sim-fact.ts";
import type { SimWorld } from "../sim-world.ts";
import type { Checker } from "./checker.ts";

/**
 * One member of a service a host, as one process, and no image resumed twice: what an agent orders is
 * judged, since a hypervisor may refuse it.
 */
export class ServiceRules implements Checker {
  readonly name = "service-rules";
  readonly facts = ["copyChanged", "stepped"] as const;
  readonly #world: SimWorld;

  constructor(world: SimWorld) {
    this.#world = world;
  }

  observe(fact: SimFact): string | undefined {
    if (fact.type === "stepped") return this.#wrongOrder(fact.host, fact.effects);
    if (fact.type !== "copyChanged" || fact.change.after === null) return undefined;
    const { vm, before, after } = fact.change;
    const service = readMemberName(vm)?.service;
    if (service === undefined) return undefined;
    if (before?.state === "suspended" && after.state === "running" && before.imageUsed) {
      return `${vm} on ${fact.host} was resumed from an image that was used up`;
    }
    return this.#twin(fact.host, vm, service);
  }

  settled(): undefined {
    return undefined;
  }

  #wrongOrder(host: HostId, effects: readonly Effect[]): string | undefined {
    for (const effect of effects) {
      if (effect.type !== "run") continue;
      const { op } = effect;
      if (op.op !== "resume" && op.op !== "stageMember") continue;
      const vm = op.spec.name;
      const state = this.#world.machine(host).host.copy(vm)?.state;
      if (op.op === "stageMember" && state === "running") {
        return `${vm} is to be staged on ${host} while a process of it runs there`;
      }
      if (op.op === "resume" && state === "stale" && readMemberName(vm)) {
        return `${vm} is to be resumed on ${host} from an image that is used up`;
      }
    }
    return undefined;
  }

  #twin(host: HostId, vm: VmName, service: string): string | undefined {
    const twin = this.#world
      .machine(host)
      .host.copies()
      .find(({ spec }) => spec.name !== vm && readMemberName(spec.name)?.service === service);
    return twin && `${host} has two members of ${service}: ${vm} and ${twin.spec.name}`;
  }
}
