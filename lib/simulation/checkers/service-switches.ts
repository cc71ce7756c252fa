import type { ServiceView } from "../../core/snapshot.ts";
import type { HostId, VmName } from "../../model/ids.ts";
import { memberNameOf, readMemberName } from "../../services/member-name.ts";
import type { SimFact } from "../sim-fact.ts";
import type { SimWorld } from "../sim-world.ts";
import { sidesOf } from "../world-sides.ts";
import type { Checker } from "./checker.ts";

/** How long after a fault a switch may not have heard of a drain yet, ms. */
const hearMs = 10_000;

/**
 * No member is suspended while a switch that its host can talk to sends it requests; and in the end
 * each switch sends requests to those that run, and to nobody else.
 */
export class ServiceSwitches implements Checker {
  readonly name = "service-switches";
  readonly facts = [
    "copyChanged",
    "linksChanged",
    "agentStarted",
    "agentContinued",
    "agentKilled",
    "agentPaused",
    "faultStruck",
  ] as const;
  #troubledMs = Number.NEGATIVE_INFINITY;
  readonly #world: SimWorld;

  constructor(world: SimWorld) {
    this.#world = world;
  }

  observe(fact: SimFact, nowMs: number): string | undefined {
    if (fact.type !== "copyChanged") {
      // The drain limit of a host that has slept for an hour is over when it wakes.
      const isHeard = fact.type !== "faultStruck" || fact.kind.startsWith("clock jumped");
      if (isHeard) this.#troubledMs = nowMs;
      return undefined;
    }
    const { vm, before, after, cause } = fact.change;
    if (cause !== "order" || before?.state !== "running" || after?.state !== "suspended") {
      return undefined;
    }
    const isCalm = nowMs - this.#troubledMs > hearMs;
    return isCalm && readMemberName(vm) ? this.#stillServed(vm, fact.host) : undefined;
  }

  settled(world: SimWorld): string | undefined {
    for (const side of sidesOf(world)) {
      for (const host of side) {
        const objection = this.#wrongAt(host, side);
        if (objection) return objection;
      }
    }
    return undefined;
  }

  #wrongAt(at: HostId, side: ReadonlySet<HostId>): string | undefined {
    const found = this.#world.switchOf(at);
    if (!found) return undefined;
    const services = this.#world.snapshotOf(at)?.services ?? [];
    const wrong = services
      .flatMap((service) => this.#membersOf(service, side))
      .find(({ vm, runs, isDumb, hasBackend }) => {
        return !isDumb && found.sends(vm) !== (runs && hasBackend);
      });
    if (!wrong) return undefined;
    const does = found.sends(wrong.vm) ? "sends requests to" : "sends no requests to";
    return `the switch of ${at} ${does} ${wrong.vm}, which ${wrong.runs ? "runs" : "does not run"}`;
  }

  /** The service's member on each host, and whether it runs on this side. */
  #membersOf({ name, spec }: ServiceView, side: ReadonlySet<HostId>) {
    const hasBackend = spec !== null && spec.backend !== null;
    return this.#world.machines.map(({ id, host }) => {
      const vm = memberNameOf(name, id) ?? "";
      const runs = side.has(id) && host.copy(vm)?.state === "running";
      // One that answers nobody is avoided while there are others, and used while there are none.
      return { vm, hasBackend, runs, isDumb: runs && !host.answers(vm) };
    });
  }

  #stillServed(vm: VmName, host: HostId): string | undefined {
    const sender = this.#world.hosts.find(
      (other) =>
        this.#world.switchOf(other)?.sends(vm) &&
        (other === host || this.#world.canTalk(other, host)),
    );
    return sender && `${vm} on ${host} was suspended while the switch of ${sender} serves by it`;
  }
}
