import { populationSd } from "../base/stats.ts";
import type { ClusterModel, Spread } from "./cluster-model.ts";

/**
 * How loaded the hosts of a run truly are, noise and agents' beliefs left out: kept up to date move
 * by move. VMs and hosts are known by their index in the model.
 */
export class RunStanding {
  /** CPU demand and memory in use (with what is reserved), each as a share of the host's capacity. */
  readonly cpuShares: number[];
  readonly memoryShares: number[];
  readonly #model: ClusterModel;
  readonly #hostOf: Int32Array;
  readonly #cpuOf: number[];
  readonly #cpuCores: number[];
  readonly #memoryBytes: number[];
  readonly #vmCounts: Int32Array;
  /** VMs that a fault has ended: they count nowhere. */
  readonly #down = new Set<number>();

  constructor(model: ClusterModel) {
    const { hosts, vms } = model;
    const indexOf = new Map(hosts.map((host, index) => [host.name, index]));
    this.#model = model;
    this.#hostOf = Int32Array.from(vms, (vm) => indexOf.get(vm.host) ?? -1);
    this.#cpuOf = vms.map((vm) => vm.cpuCores);
    this.cpuShares = new Array<number>(hosts.length).fill(0);
    this.memoryShares = new Array<number>(hosts.length).fill(0);
    this.#cpuCores = new Array<number>(hosts.length).fill(0);
    this.#memoryBytes = new Array<number>(hosts.length).fill(0);
    this.#vmCounts = new Int32Array(hosts.length);
    this.recount();
  }

  /** VMs that run nowhere. */
  get downCount(): number {
    return this.#down.size;
  }

  /** Where the VM runs, or ran last. */
  hostOf(vm: number): number {
    return this.#hostOf[vm] ?? -1;
  }

  /** The VM runs on `host` now, and nowhere else. */
  runs(vm: number, host: number): void {
    if (!this.#down.delete(vm)) this.#count(vm, this.hostOf(vm), -1);
    this.#hostOf[vm] = host;
    this.#count(vm, host, 1);
  }

  /** A fault has ended the VM on `host`. */
  ended(vm: number, host: number): void {
    if (this.hostOf(vm) !== host || this.#down.has(vm)) return;
    this.#down.add(vm);
    this.#count(vm, host, -1);
  }

  /** The VM asks for `cpuCores` from now on; `recount` once all have been told. */
  setCpu(vm: number, cpuCores: number): void {
    this.#cpuOf[vm] = cpuCores;
  }

  /** Adds everything up anew: loads have changed, or rounding has piled up. */
  recount(): void {
    const { hosts, vms } = this.#model;
    this.#cpuCores.fill(0);
    this.#vmCounts.fill(0);
    for (const [index, host] of hosts.entries()) {
      this.#memoryBytes[index] = host.reservedMemoryBytes;
      this.#share(index);
    }
    for (let vm = 0; vm < vms.length; vm++) {
      if (!this.#down.has(vm)) this.#count(vm, this.hostOf(vm), 1);
    }
  }

  spread(): Spread {
    return {
      cpuSd: populationSd(this.cpuShares),
      cpuMax: maxOf(this.cpuShares),
      memSd: populationSd(this.memoryShares),
      memMax: maxOf(this.memoryShares),
    };
  }

  /** VMs on hosts whose CPU demand is above their capacity: each gets less than it asks for. */
  contendedVms(): number {
    let vms = 0;
    for (const [host, share] of this.cpuShares.entries()) {
      if (share > 1) vms += this.#vmCounts[host] ?? 0;
    }
    return vms;
  }

  /** Where each VM runs, by name; without those that run nowhere. */
  placement(): Map<string, string> {
    const { hosts, vms } = this.#model;
    const placement = new Map<string, string>();
    for (const [index, vm] of vms.entries()) {
      const host = hosts[this.hostOf(index)];
      if (host && !this.#down.has(index)) placement.set(vm.name, host.name);
    }
    return placement;
  }

  #count(vm: number, host: number, sign: 1 | -1): void {
    if (host < 0) return;
    const memoryBytes = this.#model.vms[vm]?.memoryBytes ?? 0;
    this.#cpuCores[host] = (this.#cpuCores[host] ?? 0) + sign * (this.#cpuOf[vm] ?? 0);
    this.#memoryBytes[host] = (this.#memoryBytes[host] ?? 0) + sign * memoryBytes;
    this.#vmCounts[host] = (this.#vmCounts[host] ?? 0) + sign;
    this.#share(host);
  }

  #share(host: number): void {
    const size = this.#model.hosts[host];
    if (!size) return;
    const { cpuCapacityCores, memoryCapacityBytes } = size;
    this.cpuShares[host] = shareOf(this.#cpuCores[host] ?? 0, cpuCapacityCores);
    this.memoryShares[host] = shareOf(this.#memoryBytes[host] ?? 0, memoryCapacityBytes);
  }
}

function shareOf(used: number, capacity: number): number {
  return capacity > 0 ? used / capacity : 0;
}

function maxOf(values: readonly number[]): number {
  let max = 0;
  for (const value of values) max = Math.max(max, value);
  return max;
}
