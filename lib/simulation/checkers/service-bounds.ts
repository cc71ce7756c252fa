import type { Effect } from "../../core/effects.ts";
import type { Event } from "../../core/events.ts";
import type { HostId, VmName } from "../../model/ids.ts";
import type { ServiceSpec } from "../../model/service.ts";
import { memberNameOf, readMemberName } from "../../services/member-name.ts";
import type { SimFact } from "../sim-fact.ts";
import type { SimWorld } from "../sim-world.ts";
import { sideOf, sidesOf } from "../world-sides.ts";
import type { Checker } from "./checker.ts";

/** So long after a fault, a suspicion or a verb, hosts may not have heard of each other's members, ms. */
const newsMs = 10_000;
/** One more than `max` may run while it takes another's place. */
const standInsMax = 1;
/** What a member is whose process runs and that neither serves nor will. */
const leavingStates: readonly unknown[] = ["staging", "draining", "suspending", "discarding"];
/** Notices of a host that does not know who is there. */
const doubts: readonly string[] = ["member-suspect", "member-dead"];

/**
 * As many members run as the document says, on each side of a partition. At any time: no resume makes
 * more than `max` and one serve on a side on which all has been calm for so long that news got about;
 * those on their way out do not count. In the end: from `min`, or as many as are staged, to `max`.
 */
export class ServiceBounds implements Checker {
  readonly name = "service-bounds";
  readonly facts = [
    "copyChanged",
    "stepped",
    "linksChanged",
    "hostCrashed",
    "agentStarted",
    "agentContinued",
    "agentKilled",
    "agentPaused",
    "troubleChanged",
    "faultStruck",
  ] as const;
  #troubledMs = Number.NEGATIVE_INFINITY;
  readonly #world: SimWorld;
  /** Hosts whose copy of a member runs, by the member's name. */
  readonly #running = new Map<VmName, HostId>();
  /** What hosts said last of their own members, by the member's name. */
  readonly #told = new Map<VmName, unknown>();

  constructor(world: SimWorld) {
    this.#world = world;
  }

  observe(fact: SimFact, nowMs: number): string | undefined {
    if (fact.type === "stepped") {
      if (isNews(fact.event)) this.#troubledMs = nowMs;
      this.#listen(fact.host, fact.effects, nowMs);
    } else if (fact.type !== "copyChanged") this.#troubledMs = nowMs;
    else {
      const { vm, before, after, cause } = fact.change;
      if (readMemberName(vm) === undefined) return undefined;
      if (after?.state === "running") this.#running.set(vm, fact.host);
      else this.#running.delete(vm);
      const isResumed = before?.state === "suspended" && after?.state === "running";
      // Hypervisors that refuse orders at random leave processes that their agents gave up.
      const isCalm = nowMs - this.#troubledMs > newsMs && this.#world.orderFailureShare === 0;
      if (isResumed && cause === "order" && isCalm) return this.#tooMany(fact.host, vm);
    }
    return undefined;
  }

  settled(world: SimWorld): string | undefined {
    for (const side of sidesOf(world)) {
      const [first = ""] = side;
      const snapshot = world.snapshotOf(first);
      if (!snapshot || snapshot.mode === "hold") continue;
      for (const { name, spec } of snapshot.services) {
        const objection = spec ? this.#outOfBounds(spec, side) : this.#leftOf(name, side);
        if (objection) return objection;
      }
    }
    return undefined;
  }

  #listen(host: HostId, effects: readonly Effect[], nowMs: number): void {
    for (const effect of effects) {
      if (effect.type !== "notice") continue;
      const { code, facts } = effect.notice;
      if (doubts.includes(code)) this.#troubledMs = nowMs;
      if (code !== "service-member") continue;
      const vm = memberNameOf(String(facts["service"]), host);
      if (vm !== null) this.#told.set(vm, facts["state"]);
    }
  }

  #tooMany(host: HostId, vm: VmName): string | undefined {
    const service = readMemberName(vm)?.service;
    const known = this.#world.snapshotOf(host)?.services.find(({ name }) => name === service);
    if (!known?.spec) return undefined;
    const side = sideOf(this.#world, host);
    const serving = [...this.#running].filter(([one, at]) => {
      const isOurs = readMemberName(one)?.service === service && side.has(at);
      return isOurs && !leavingStates.includes(this.#told.get(one));
    });
    const { max } = known.spec.running;
    if (serving.length <= max + standInsMax) return undefined;
    return `${vm} on ${host} was resumed as member ${serving.length} of ${service}, ${max} is the most`;
  }

  #outOfBounds({ name, running }: ServiceSpec, side: ReadonlySet<HostId>): string | undefined {
    const states = this.#statesOf(name, side);
    const runs = states.filter((state) => state === "running").length;
    const staged = runs + states.filter((state) => state === "suspended").length;
    const least = Math.min(running.min, staged);
    if (runs >= least && runs <= running.max) return undefined;
    return `${runs} members of ${name} run, ${least} to ${running.max} should`;
  }

  #leftOf(service: string, side: ReadonlySet<HostId>): string | undefined {
    const left = this.#statesOf(service, side).length;
    return left === 0 ? undefined : `${left} members of ${service} are there, which was deleted`;
  }

  #statesOf(service: string, side: ReadonlySet<HostId>): readonly string[] {
    return [...side].flatMap((host) => {
      const vm = memberNameOf(service, host) ?? "";
      return this.#world.machine(host).host.copy(vm)?.state ?? [];
    });
  }
}

/** A verb that changes what should run, or whether anything may. */
function isNews(event: Event): boolean {
  if (event.type !== "verbAsked") return false;
  const { verb } = event.verb;
  return verb.startsWith("service") || verb === "mode" || verb.endsWith("drain");
}
