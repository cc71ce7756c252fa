import { Prng } from "#lib/base/prng.ts";
import type { ClusterModel, ModelHost, ModelVm } from "#lib/simulation/cluster-model.ts";
import { centralGreedy } from "#lib/simulation/reference/central-greedy.ts";

/**
 * Clusters of many shapes, made from a seed: so that plans are judged on more than the files that
 * happen to be at hand. The same shape, size and seed give the same cluster.
 */

export interface ShapeOptions {
  readonly hosts: number;
  readonly seed: number;
}

export type Shape = (options: ShapeOptions) => ClusterModel;

const GIB = 2 ** 30;
const RESERVED_BYTES = 2 * GIB;
const DISK_BYTES = 20 * GIB;
/** A VM that fits on no host after so many draws is left out. */
const DRAWS_MAX = 200;

/** Log-normal share of its virtual CPUs that a VM burns: fitted to measured fleets' skew. */
const BUSY_MEDIAN = 0.19;
const BUSY_SIGMA = 0.8;

/**
 * How thin the VMs are on the last hosts. With skew 2 it draws hosts as the files' VMs lie: the
 * first quarter full, the last tenth nearly empty (a Kumaraswamy distribution).
 */
const TAIL = 1.6;

/** What a shape says of its VMs; the rest is common. */
interface VmMake {
  readonly memoryGib: readonly number[];
  readonly vcpus: readonly number[];
  /** Median share of its virtual CPUs that a VM burns. */
  readonly busyMedian: number;
}

const USUAL: VmMake = {
  memoryGib: [1, 2, 2, 4, 4, 8],
  vcpus: [1, 2, 2, 4],
  busyMedian: BUSY_MEDIAN,
};

/**
 * Of the same make as the cluster files of 20 and 100 hosts: 16 cores and 64 GiB with 2 GiB
 * reserved, ten VMs a host, the first hosts filled to the brim, the last ones nearly empty.
 */
export const sameMake: Shape = ({ hosts, seed }) =>
  filled({ hosts: equalHosts(hosts), seed, vmsPerHost: 10, make: USUAL, skew: 2 });

/** A third each of 8, 16 and 32 cores, memory in proportion; the skew does not follow size. */
const unequalHosts: Shape = ({ hosts, seed }) => {
  const sizes = equalHosts(hosts).map((host, index) => sized(host, 8 * 2 ** (index % 3)));
  return filled({ hosts: sizes, seed, vmsPerHost: 11, make: USUAL, skew: 1.8 });
};

/** Three or so big VMs a host: steps are coarse, level is out of reach. */
const fewLarge: Shape = ({ hosts, seed }) => {
  const make = { memoryGib: [8, 12, 16, 24], vcpus: [4, 8, 8], busyMedian: 0.22 };
  return filled({ hosts: equalHosts(hosts), seed, vmsPerHost: 2.5, make, skew: 1.6 });
};

/** Memory four fifths full on average, processors idle. */
const memoryBound: Shape = ({ hosts, seed }) => {
  const make = { memoryGib: [2, 4, 8, 8], vcpus: [1, 2], busyMedian: 0.06 };
  return filled({ hosts: equalHosts(hosts), seed, vmsPerHost: 9, make, skew: 1.5 });
};

/** Small guests that burn most of a host, some hosts beyond their capacity. */
const cpuBound: Shape = ({ hosts, seed }) => {
  const make = { memoryGib: [1, 1, 2], vcpus: [2, 2, 4], busyMedian: 0.36 };
  return filled({ hosts: equalHosts(hosts), seed, vmsPerHost: 12, make, skew: 1.6 });
};

/** A level fleet to which one empty host comes. */
const newHost: Shape = (options) => {
  const { hosts, vms } = leveled({ ...options, hosts: options.hosts - 1 });
  return { hosts: [...hosts, ...equalHosts(options.hosts).slice(-1)], vms };
};

/** Nothing worth a move is left. */
const leveled: Shape = (options) => {
  const model = sameMake(options);
  const { placement } = centralGreedy(model, { gainMin: 0.001 });
  return {
    hosts: model.hosts,
    vms: model.vms.map((vm) => ({ ...vm, host: placement.get(vm.name) ?? vm.host })),
  };
};

/** By the name that tables print. */
export const SHAPES: Readonly<Record<string, Shape>> = {
  "same make": sameMake,
  "unequal hosts": unequalHosts,
  "few large VMs": fewLarge,
  "memory bound": memoryBound,
  "CPU bound": cpuBound,
  "one new host": newHost,
  "already level": leveled,
};

interface FillOptions {
  readonly hosts: readonly ModelHost[];
  readonly seed: number;
  readonly vmsPerHost: number;
  readonly make: VmMake;
  /** The higher, the more VMs the first hosts get. */
  readonly skew: number;
}

function filled({ hosts, seed, vmsPerHost, make, skew }: FillOptions): ClusterModel {
  const prng = new Prng(seed);
  const free = hosts.map((host) => host.memoryCapacityBytes - host.reservedMemoryBytes);
  const vms: ModelVm[] = [];
  for (let index = 0; index < Math.round(hosts.length * vmsPerHost); index++) {
    const figures = drawVm(prng, make);
    const at = drawHost(prng, { free, skew, memoryBytes: figures.memoryBytes });
    const host = hosts[at];
    if (host === undefined) continue;
    free[at] = (free[at] ?? 0) - figures.memoryBytes;
    vms.push({ name: `vm${String(index + 1).padStart(5, "0")}`, host: host.name, ...figures });
  }
  return { hosts, vms };
}

function drawVm(prng: Prng, make: VmMake): Omit<ModelVm, "name" | "host"> {
  const memoryBytes = (prng.pick(make.memoryGib) ?? 1) * GIB;
  const vcpus = prng.pick(make.vcpus) ?? 1;
  const busy = Math.min(1, make.busyMedian * Math.exp(BUSY_SIGMA * normal(prng)));
  const cpuCores = Math.round(vcpus * busy * 10_000) / 10_000;
  return { cpuCores, memoryBytes, vcpus, diskBytes: DISK_BYTES, dirtyBytesPerSecond: 0 };
}

function drawHost(
  prng: Prng,
  { free, skew, memoryBytes }: { free: readonly number[]; skew: number; memoryBytes: number },
): number {
  for (let draw = 0; draw < DRAWS_MAX; draw++) {
    const place = (1 - (1 - prng.nextShare()) ** (1 / TAIL)) ** skew;
    const at = Math.floor(place * free.length);
    if ((free[at] ?? 0) >= memoryBytes) return at;
  }
  return -1;
}

function equalHosts(count: number): ModelHost[] {
  return Array.from({ length: count }, (_, index) => ({
    name: `node${String(index + 1).padStart(4, "0")}`,
    cpuCapacityCores: 16,
    memoryCapacityBytes: 64 * GIB,
    reservedMemoryBytes: RESERVED_BYTES,
  }));
}

function sized(host: ModelHost, cores: number): ModelHost {
  return { ...host, cpuCapacityCores: cores, memoryCapacityBytes: cores * 4 * GIB };
}

/** Box and Muller: a standard normal figure from two even ones. */
export function normal(prng: Prng): number {
  const radius = Math.sqrt(-2 * Math.log(1 - prng.nextShare()));
  return radius * Math.cos(2 * Math.PI * prng.nextShare());
}
