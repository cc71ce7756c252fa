import type { HostId, VmName } from "../../model/ids.ts";
import { memberNameOf, readMemberName } from "../../services/member-name.ts";
import type { SimFact } from "../sim-fact.ts";
import type { SimWorld } from "../sim-world.ts";
import type { Checker } from "./checker.ts";

/** How long after a fault a switch may not have heard of a drain yet, ms. */
const hearMs = 10_000;

/**
 * Members of services: one a host, no image resumed twice, none suspended while a switch that its
 * host can talk to still sends it requests; and in the end as many run as the document says.
 */
export class ServiceRules implements Checker {
  readonly name = "service-rules";
  readonly facts = [
    "copyChanged",
    "linksChanged",
    "agentStarted",
    "agentContinued",
    "agentKilled",
    "agentPaused",
  ] as const;
  #troubledMs = Number.NEGATIVE_INFINITY;
  readonly #world: SimWorld;

  constructor(world: SimWorld) {
    this.#world = world;
  }

  observe(fact: SimFact, nowMs: number): string | undefined {
    if (fact.type !== "copyChanged") {
      this.#troubledMs = nowMs;
      return undefined;
    }
    const { vm, before, after, cause } = fact.change;
    const service = readMemberName(vm)?.service;
    if (service === undefined) return undefined;
    if (before?.state === "suspended" && after?.state === "running" && before.imageUsed) {
      return `${vm} on ${fact.host} was resumed from an image that was used up`;
    }
    if (cause === "order" && before?.state === "running" && after?.state === "suspended") {
      return nowMs - this.#troubledMs > hearMs ? this.#stillServed(vm, fact.host) : undefined;
    }
    return after === null ? undefined : this.#twin(fact.host, vm, service);
  }

  settled(world: SimWorld): string | undefined {
    const snapshot = world.hosts.map((host) => world.snapshotOf(host)).find((one) => one?.services);
    if (!snapshot || snapshot.mode === "hold") return undefined;
    for (const { spec } of snapshot.services) {
      if (!spec) continue;
      const states = world.hosts.flatMap((host) => this.#copyAt(host, spec.name)?.state ?? []);
      const running = states.filter((state) => state === "running").length;
      const staged = running + states.filter((state) => state === "suspended").length;
      const least = Math.min(spec.running.min, staged);
      if (running < least || running > spec.running.max) {
        return `${running} members of ${spec.name} run, ${least} to ${spec.running.max} should`;
      }
    }
    return undefined;
  }

  #copyAt(host: HostId, service: string) {
    const name = memberNameOf(service, host);
    return name === null ? undefined : this.#world.machine(host).host.copy(name);
  }

  #stillServed(vm: VmName, host: HostId): string | undefined {
    const sender = this.#world.hosts.find(
      (other) =>
        this.#world.switchOf(other)?.sends(vm) &&
        (other === host || this.#world.canTalk(other, host)),
    );
    return sender && `${vm} on ${host} was suspended while the switch of ${sender} serves by it`;
  }

  #twin(host: HostId, vm: VmName, service: string): string | undefined {
    const twin = this.#world
      .machine(host)
      .host.copies()
      .find(({ spec }) => spec.name !== vm && readMemberName(spec.name)?.service === service);
    return twin && `${host} has two members of ${service}: ${vm} and ${twin.spec.name}`;
  }
}
