import type { VmName } from "#lib/model/ids.ts";
import type { VmLoad } from "#lib/model/load.ts";
import type { VmSpec } from "#lib/model/vm-spec.ts";
import { readMemberName } from "#lib/services/member-name.ts";
import type { SimWorld } from "#lib/simulation/sim-world.ts";
import type { Workload } from "#lib/simulation/workload.ts";

/** Sessions at all switches together that one core's worth of requests stands for. */
const sessionsPerCore = 20;

/**
 * Clients of many services: what they ask of one is shared by its members that run. Kept up with
 * each change, so that a sample costs no look at every host.
 */
export class CrowdDemand implements Workload {
  readonly #cpuCores = new Map<string, number>();
  readonly #running = new Map<string, Set<VmName>>();
  readonly #asleep = new Map<string, Set<VmName>>();
  readonly #switches: number;

  constructor(switches: number) {
    this.#switches = switches;
  }

  /** Call once, before anything runs. */
  watch(world: SimWorld): void {
    world.onFact(
      (fact) => {
        if (fact.type !== "copyChanged") return;
        const { vm, after } = fact.change;
        const service = readMemberName(vm)?.service;
        if (service === undefined) return;
        put(this.running(service), vm, after?.state === "running");
        put(this.asleep(service), vm, after?.state === "suspended");
      },
      ["copyChanged"],
    );
  }

  /** What clients ask of all members of the service together, cores. */
  set(service: string, cpuCores: number): void {
    this.#cpuCores.set(service, cpuCores);
  }

  demandOf(service: string): number {
    return this.#cpuCores.get(service) ?? 0;
  }

  running(service: string): Set<VmName> {
    return setOf(this.#running, service);
  }

  asleep(service: string): Set<VmName> {
    return setOf(this.#asleep, service);
  }

  /** At each switch: a service's backend has its name. */
  sessionsOf(backend: string): number {
    return Math.round((this.demandOf(backend) * sessionsPerCore) / this.#switches);
  }

  loadOf(spec: VmSpec): VmLoad {
    const service = readMemberName(spec.name)?.service ?? "";
    const share = this.demandOf(service) / Math.max(1, this.running(service).size);
    return {
      cpuCores: Math.min(spec.vcpus, share),
      residentBytes: spec.memoryBytes,
      dirtyBytesPerSecond: 0,
      networkBytesPerSecond: null,
    };
  }
}

function put(members: Set<VmName>, vm: VmName, isIn: boolean): void {
  if (isIn) members.add(vm);
  else members.delete(vm);
}

function setOf(all: Map<string, Set<VmName>>, service: string): Set<VmName> {
  const known = all.get(service) ?? new Set<VmName>();
  all.set(service, known);
  return known;
}
