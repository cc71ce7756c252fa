import { Prng } from "../base/prng.ts";
import type { ClusterModel, ModelHost, ModelVm } from "./cluster-model.ts";

const gibibyte = 2 ** 30;
const hostCores = 16;
const hostMemoryBytes = 96 * gibibyte;
const reservedMemoryBytes = 2 * gibibyte;
/** Mean share of a host's CPU that its VMs burn. */
const meanShare = 0.45;
/** How much more, or less, than the mean the VMs of a quarter of the hosts burn. */
const hostFactors = [2.2, 1.2, 0.7, 0.35];
/** Spread of the logarithm of a VM's load: the top tenth burns about a fifth of it all. */
const logSd = 0.5;
const memoryGiBMin = 2;
const memoryGiBMax = 8;
/** With more VMs a host each is smaller, so that hosts keep about as much memory free. */
const fullSizeVmsMax = 10;
/** Loads are rounded to this, cores: the last digits of a logarithm must not matter. */
const coresGrain = 1e-4;
const bytesGrain = 2 ** 20;

export interface SyntheticClusterOptions {
  readonly hosts: number;
  readonly vmsPerHost: number;
  readonly seed: number;
  /** How unlike the hosts are: 0 alike but for chance, 1 a factor of 6 from least to most. */
  readonly skew?: number;
}

/**
 * A made-up unbalanced cluster: equal hosts, log-normal loads of VMs, a quarter of the hosts each
 * with 2.2, 1.2, 0.7 and 0.35 times the mean. The same options, the same cluster.
 */
export function syntheticCluster(options: SyntheticClusterOptions): ClusterModel {
  const { hosts: count, vmsPerHost, seed, skew = 1 } = options;
  const prng = new Prng(`synthetic.${seed}`);
  const hosts: ModelHost[] = [];
  const vms: ModelVm[] = [];
  const factors = Array.from({ length: count }, (_, index) => factorOf(index, skew));
  const meanFactor = factors.reduce((sum, factor) => sum + factor, 0) / Math.max(1, count);
  const medianCores = (hostCores * meanShare) / Math.max(1, vmsPerHost) / Math.exp(logSd ** 2 / 2);
  const memoryScale = Math.min(1, fullSizeVmsMax / Math.max(1, vmsPerHost));
  for (const [index, factor] of prng.shuffle(factors).entries()) {
    const host = { name: `host-${index + 1}`, cpuCapacityCores: hostCores };
    hosts.push({ ...host, memoryCapacityBytes: hostMemoryBytes, reservedMemoryBytes });
    for (let i = 0; i < vmsPerHost; i++) {
      const load = (medianCores * factor * Math.exp(logSd * normal(prng))) / meanFactor;
      const cpuCores = roundTo(Math.min(load, hostCores), coresGrain);
      const memoryGiB = memoryGiBMin + prng.nextShare() * (memoryGiBMax - memoryGiBMin);
      vms.push({
        name: `vm-${vms.length + 1}`,
        host: host.name,
        cpuCores,
        memoryBytes: roundTo(memoryGiB * memoryScale * gibibyte, bytesGrain),
        diskBytes: 0,
        vcpus: Math.max(1, Math.ceil(cpuCores)),
        dirtyBytesPerSecond: 0,
      });
    }
  }
  return { hosts, vms };
}

function factorOf(index: number, skew: number): number {
  const factor = hostFactors[index % hostFactors.length] ?? 1;
  return Math.max(0, 1 + skew * (factor - 1));
}

/** Nearly normal, mean 0 and sd 1: the sum of twelve uniform ones (Irwin-Hall). */
function normal(prng: Prng): number {
  let sum = -6;
  for (let i = 0; i < 12; i++) sum += prng.nextShare();
  return sum;
}

function roundTo(value: number, grain: number): number {
  return Math.round(value / grain) * grain;
}
