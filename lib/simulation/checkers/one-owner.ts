import type { HostId, VmName } from "../../model/ids.ts";
import type { OwnedVm } from "../../model/vm.ts";
import type { SimFact } from "../sim-fact.ts";
import type { SimWorld } from "../sim-world.ts";
import type { Checker } from "./checker.ts";

/**
 * One host owns a VM in the end, and it is the one that runs it. On the way two journals may name
 * themselves, but never at one version; a host's own version never falls.
 */
export class OneOwner implements Checker {
  readonly name = "one-owner";
  readonly #versions = new Map<VmName, Map<HostId, number>>();
  readonly #highest = new Map<VmName, Map<HostId, number>>();

  observe(fact: SimFact): string | undefined {
    if (fact.type === "hostCrashed" && fact.diskLost) {
      for (const map of [this.#versions, this.#highest]) {
        for (const owners of map.values()) owners.delete(fact.host);
      }
    }
    if (fact.type !== "persisted") return undefined;
    for (const { key, value } of fact.entries) {
      if (!key.startsWith("vm/")) continue;
      const vm = key.slice(3);
      const objection =
        value === null
          ? this.#disowned(vm, fact.host)
          : this.#owned(vm, fact.host, (JSON.parse(value) as OwnedVm).version);
      if (objection !== undefined) return objection;
    }
    return undefined;
  }

  settled(world: SimWorld): string | undefined {
    for (const [vm, owners] of this.#versions) {
      const hosts = [...owners.keys()];
      if (hosts.length > 1) return `${vm} is owned by ${hosts.join(" and ")}`;
      const running = world.machines.filter((machine) => machine.host.copy(vm)?.sinceMs != null);
      const stranger = running.find((machine) => machine.id !== hosts[0]);
      if (stranger) return `${vm} runs on ${stranger.id} and is owned by ${hosts[0] ?? "nobody"}`;
    }
    return undefined;
  }

  #disowned(vm: VmName, host: HostId): undefined {
    this.#versions.get(vm)?.delete(host);
    return undefined;
  }

  #owned(vm: VmName, host: HostId, version: number): string | undefined {
    const owners = this.#versions.get(vm) ?? new Map<HostId, number>();
    this.#versions.set(vm, owners);
    const highest = this.#highest.get(vm) ?? new Map<HostId, number>();
    this.#highest.set(vm, highest);
    const own = highest.get(host);
    if (own !== undefined && version < own) {
      return `${host} owned ${vm} at version ${own} and owns it at ${version} now`;
    }
    highest.set(host, version);
    owners.set(host, version);
    const twin = [...owners].find(([other, held]) => other !== host && held === version);
    if (twin) return `${twin[0]} and ${host} both own ${vm} at version ${version}`;
    return undefined;
  }
}
