import type { HostId, VmName } from "../model/ids.ts";
import type { VmLoad } from "../model/load.ts";
import type { VmSpec } from "../model/vm-spec.ts";
import { memberNameOf, readMemberName } from "../services/member-name.ts";
import type { SimWorld } from "./sim-world.ts";
import type { Workload } from "./workload.ts";

/** What clients of one service ask for: CPU of its members together, and sessions at each switch. */
export interface Demand {
  readonly cpuCores: number;
  readonly sessions: number;
}

const none: Demand = { cpuCores: 0.05, sessions: 0 };

/** Clients of services: what they ask for is shared by the members that run; other guests have their own load. */
export class ServiceDemand implements Workload {
  /** The world that the members run in, once there is one. */
  world: SimWorld | undefined;
  readonly #others: Workload;
  readonly #demands = new Map<string, Demand>();
  readonly #members = new Map<string, readonly (readonly [HostId, VmName])[]>();

  constructor(others: Workload) {
    this.#others = others;
  }

  set(service: string, demand: Demand): void {
    this.#demands.set(service, demand);
  }

  /** Sessions that clients want at each switch: a service's backend has its name. */
  sessionsOf(backend: string): number {
    return (this.#demands.get(backend) ?? none).sessions;
  }

  loadOf(spec: VmSpec, nowMs: number): VmLoad {
    const load = this.#others.loadOf(spec, nowMs);
    const service = readMemberName(spec.name)?.service;
    if (service === undefined) return load;
    const share = this.#demandOf(service).cpuCores / Math.max(1, this.#running(service));
    return { ...load, cpuCores: Math.min(spec.vcpus, share) };
  }

  #demandOf(service: string): Demand {
    return this.#demands.get(service) ?? none;
  }

  #running(service: string): number {
    const { world } = this;
    if (!world) return 1;
    let members = this.#members.get(service);
    if (!members) {
      members = world.hosts.map((host) => [host, memberNameOf(service, host) ?? ""] as const);
      this.#members.set(service, members);
    }
    return members.filter(([host, vm]) => world.machine(host).host.copy(vm)?.state === "running")
      .length;
  }
}
