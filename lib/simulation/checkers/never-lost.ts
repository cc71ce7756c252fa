import type { Notice } from "../../core/effects.ts";
import type { Event } from "../../core/events.ts";
import type { HostId, VmName } from "../../model/ids.ts";
import { readMemberName } from "../../services/member-name.ts";
import { isWhole, type SimCopy } from "../sim-copy.ts";
import type { SimFact } from "../sim-fact.ts";
import type { SimWorld } from "../sim-world.ts";
import type { Checker } from "./checker.ts";

/** Notices that tell an admin of a VM that does not run although it should. */
const reportCodes = ["vm-lost", "in-doubt", "move-lost", "move-in-doubt", "move-ran", "move-start"];

interface Fate {
  /** Whole copies by host. */
  readonly copies: Map<HostId, SimCopy>;
  /** Hosts whose journal says that the VM was given to them. */
  readonly givenTo: Set<HostId>;
  /** Both ends of its last move. */
  ends: readonly HostId[];
  /** The newest copy was killed by a fault. */
  killed: boolean;
  /** An operator ended it. */
  ended: boolean;
  /**
   * Its copy here may be thrown away though it is the last: by an operator's word in doubt, or
   * because the other end was told to run its own and nobody can say any more whether it did.
   */
  givenUp: boolean;
  reported: boolean;
}

interface Order {
  readonly vm: VmName;
  /** It ends the VM, or suspends it; otherwise it lets a received copy run. */
  readonly ends: boolean;
}

/**
 * A VM is lost only when a fault, or an operator's word in doubt, ended its only copy, and then
 * somebody says so. The agents themselves never throw the last whole copy away.
 */
export class NeverLost implements Checker {
  readonly name = "never-lost";
  readonly facts = ["stepped", "persisted", "copyChanged", "hostCrashed", "agentKilled"] as const;
  readonly #fates = new Map<VmName, Fate>();
  /** Orders that matter and have not been answered, by host and id. */
  readonly #orders = new Map<HostId, Map<number, Order>>();

  observe(fact: SimFact): string | undefined {
    if (fact.type === "stepped") this.#onStep(fact);
    else if (fact.type === "persisted") this.#onPersisted(fact);
    else if (fact.type === "copyChanged") {
      return isMember(fact.change.vm) ? undefined : this.#onChange(fact);
    } else if (fact.type === "agentKilled") this.#onAgentKilled(fact.host);
    else if (fact.type === "hostCrashed" && fact.diskLost) this.#onDiskLost(fact.host);
    return undefined;
  }

  settled(world: SimWorld): string | undefined {
    for (const [vm, fate] of this.#fates) {
      const runs = [...fate.copies.values()].some((copy) => copy.sinceMs !== null);
      if (runs || fate.ended) continue;
      if (!fate.killed) return `${vm} runs nowhere, and nobody killed it: ${describe(fate)}`;
      if (!fate.reported && !shownAsLost(world, vm)) return `${vm} was killed and nobody says so`;
    }
    return undefined;
  }

  #onStep({ host, event, effects }: Extract<SimFact, { type: "stepped" }>): void {
    if (event.type === "opEnded") this.#onOpEnded(host, event);
    if (event.type === "verbAsked" && event.verb.verb === "resolve") {
      this.#fateOf(event.verb.vm).givenUp = true;
    }
    for (const effect of effects) {
      if (effect.type === "notice") this.#onNotice(effect.notice);
      if (effect.type !== "run") continue;
      const { op, opId } = effect;
      if (op.op === "runIncoming") this.#ordered(host, opId, { vm: op.vm, ends: false });
      if (op.op === "stop" || op.op === "forget") {
        this.#ordered(host, opId, { vm: op.vm, ends: true });
      }
      if (op.op === "suspend") this.#ordered(host, opId, { vm: op.spec.name, ends: true });
    }
  }

  #ordered(host: HostId, opId: number, order: Order): void {
    if (isMember(order.vm)) return;
    const orders = this.#orders.get(host) ?? new Map<number, Order>();
    this.#orders.set(host, orders.set(opId, order));
    if (order.ends) this.#fateOf(order.vm).ended = true;
  }

  #onOpEnded(host: HostId, { opId, result }: Extract<Event, { type: "opEnded" }>): void {
    const order = this.#orders.get(host)?.get(opId);
    if (!order) return;
    this.#orders.get(host)?.delete(opId);
    if (result.ok) return;
    const fate = this.#fateOf(order.vm);
    // Only "there is no such copy" says for certain that it never ran.
    if (!order.ends) fate.givenUp ||= result.code !== "VM_ABSENT";
    else if (result.code === "COMMAND_FAILED") fate.ended = false;
  }

  /** What it was told to run may have run. */
  #onAgentKilled(host: HostId): void {
    for (const { vm, ends } of this.#orders.get(host)?.values() ?? []) {
      if (!ends) this.#fateOf(vm).givenUp = true;
    }
    this.#orders.delete(host);
  }

  #onNotice({ code, facts }: Notice): void {
    if (!reportCodes.includes(code)) return;
    const fate = this.#fates.get(String(facts["vm"]));
    if (fate) fate.reported = true;
  }

  #onPersisted({ host, entries }: Extract<SimFact, { type: "persisted" }>): void {
    for (const { key, value } of entries) {
      if (key.startsWith("move/") && value !== null) {
        const { vm, peer } = JSON.parse(value) as { vm: VmName; peer: HostId };
        this.#fateOf(vm).ends = [host, peer];
      }
      if (!key.startsWith("vm/")) continue;
      const { givenTo } = this.#fateOf(key.slice(3));
      if (value === null) givenTo.delete(host);
      else givenTo.add(host);
    }
  }

  #onChange({ host, change }: Extract<SimFact, { type: "copyChanged" }>): string | undefined {
    const { vm, after, before, cause } = change;
    const fate = this.#fateOf(vm);
    if (after !== null && isWhole(after)) {
      fate.copies.set(host, after);
      if (after.sinceMs !== null)
        Object.assign(fate, { killed: false, ended: false, reported: false, givenUp: false });
      return undefined;
    }
    if (!fate.copies.delete(host) || before === null) return undefined;
    const perhapsRan = before.state !== "received" || fate.givenTo.has(host);
    if (cause === "fault" && wasNewest(before, fate) && perhapsRan) {
      fate.killed = true;
      return undefined;
    }
    if (fate.copies.size > 0 || fate.killed || fate.ended || cause === "fault") {
      if (cause === "fault" && fate.copies.size === 0) fate.killed = true;
      return undefined;
    }
    if (!fate.givenUp)
      return `${host} threw away the last copy of ${vm} (${before.state}, by ${cause})`;
    fate.killed = true;
    return undefined;
  }

  /** Without its journal nobody can know what became of the VMs of that host. */
  #onDiskLost(host: HostId): void {
    for (const fate of this.#fates.values()) {
      const runs = [...fate.copies.values()].some((copy) => copy.sinceMs !== null);
      if (fate.givenTo.delete(host)) Object.assign(fate, { killed: true, reported: true });
      // What that end knew of a move is gone: the other may not run its copy, and must say so.
      else if (!runs && fate.ends.includes(host)) fate.killed = true;
    }
  }

  #fateOf(vm: VmName): Fate {
    let fate = this.#fates.get(vm);
    if (!fate) {
      fate = {
        copies: new Map(),
        givenTo: new Set(),
        ends: [],
        killed: false,
        ended: false,
        givenUp: false,
        reported: false,
      };
      this.#fates.set(vm, fate);
    }
    return fate;
  }
}

/** A member of a service may be thrown away: it is staged anew. */
function isMember(vm: VmName): boolean {
  return readMemberName(vm) !== undefined;
}

/** What ran was the VM, also if it was booted anew and has not run for as long as another had. */
function wasNewest(copy: SimCopy, { copies }: Fate): boolean {
  return copy.sinceMs !== null || [...copies.values()].every((other) => other.ranMs <= copy.ranMs);
}

function shownAsLost(world: SimWorld, vm: VmName): boolean {
  return world.hosts.some((host) => {
    const snapshot = world.snapshotOf(host);
    const states = snapshot?.vms.filter((view) => view.name === vm).map((view) => view.state);
    const alarmed = snapshot?.alarms.some((alarm) => alarm.message.includes(vm)) ?? false;
    return alarmed || (states?.includes("lost") ?? false);
  });
}

function describe(fate: Fate): string {
  const copies = [...fate.copies].map(([host, copy]) => `${copy.state} on ${host}`);
  return copies.length === 0 ? "there is no copy" : copies.join(", ");
}
