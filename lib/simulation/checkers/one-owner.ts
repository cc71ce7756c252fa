import type { HostId, VmName } from "../../model/ids.ts";
import type { OwnedVm } from "../../model/vm.ts";
import type { SimFact } from "../sim-fact.ts";
import type { SimWorld } from "../sim-world.ts";
import type { Checker } from "./checker.ts";

/** Hosts that once owned a VM whose last version there is remembered. */
const formerMax = 16;

interface Owners {
  /** Version by host whose journal says that the VM is its own. */
  readonly now: Map<HostId, number>;
  /** Highest version by host, also of those that own it no more, longest ago first. */
  readonly highest: Map<HostId, number>;
}

/**
 * One host owns a VM in the end, and it is the one that runs it. On the way two journals may name
 * themselves, but never at one version; a host's own version never falls.
 */
export class OneOwner implements Checker {
  readonly name = "one-owner";
  readonly facts = ["hostCrashed", "persisted"] as const;
  readonly #owners = new Map<VmName, Owners>();

  observe(fact: SimFact): string | undefined {
    if (fact.type === "hostCrashed" && fact.diskLost) {
      for (const { now, highest } of this.#owners.values()) {
        now.delete(fact.host);
        highest.delete(fact.host);
      }
    }
    if (fact.type !== "persisted") return undefined;
    for (const { key, value } of fact.entries) {
      if (!key.startsWith("vm/")) continue;
      const vm = key.slice("vm/".length);
      if (value === null) this.#owners.get(vm)?.now.delete(fact.host);
      else {
        const objection = this.#owned(vm, fact.host, (JSON.parse(value) as OwnedVm).version);
        if (objection !== undefined) return objection;
      }
    }
    return undefined;
  }

  settled(world: SimWorld): string | undefined {
    for (const [vm, { now }] of this.#owners) {
      const hosts = [...now.keys()];
      if (hosts.length > 1) return `${vm} is owned by ${hosts.join(" and ")}`;
      const running = world.machines.filter((machine) => machine.host.copy(vm)?.sinceMs != null);
      const stranger = running.find((machine) => machine.id !== hosts[0]);
      if (stranger) return `${vm} runs on ${stranger.id} and is owned by ${hosts[0] ?? "nobody"}`;
    }
    return undefined;
  }

  #owned(vm: VmName, host: HostId, version: number): string | undefined {
    const owners = this.#owners.get(vm) ?? { now: new Map(), highest: new Map() };
    this.#owners.set(vm, owners);
    const own = owners.highest.get(host);
    if (own !== undefined && version < own) {
      return `${host} owned ${vm} at version ${own} and owns it at ${version} now`;
    }
    owners.highest.delete(host);
    owners.highest.set(host, version);
    const oldest = owners.highest.size > formerMax ? owners.highest.keys().next().value : undefined;
    if (oldest !== undefined) owners.highest.delete(oldest);
    owners.now.set(host, version);
    const twin = [...owners.now].find(([other, held]) => other !== host && held === version);
    if (twin) return `${twin[0]} and ${host} both own ${vm} at version ${version}`;
    return undefined;
  }
}
