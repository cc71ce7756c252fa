import { type HostFigures, share, type Utilisation, utilisationOf } from "./host-figures.ts";
import type { PotentialOptions, VmWeight } from "./potential.ts";

/** The ends between which hosts lie, in each resource: what one look at all of them leaves to know. */
export interface Extremes {
  readonly most: Utilisation;
  /** Of those that may take a VM; Infinity when none may. */
  readonly least: Utilisation;
  /** Likewise, in cores, bytes and bytes a second; Infinity when one's is not known. */
  readonly largest: Utilisation;
}

/** Far over what floating point loses in the sums below, far under any gain that counts. */
const rounding = 1e-12;

export function extremesOf(hosts: readonly HostFigures[]): Extremes {
  const most = { cpu: 0, memory: 0, network: 0 };
  const least = { cpu: Infinity, memory: Infinity, network: Infinity };
  const largest = { cpu: 0, memory: 0, network: 0 };
  // Written out and without an object a host: a large cluster's every look goes through here.
  for (const host of hosts) {
    const cpu = share(host.cpuCores, host.cpuCapacityCores);
    const memory = share(host.memoryBytes, host.memoryCapacityBytes);
    const network = share(host.networkBytesPerSecond, host.networkCapacityBytesPerSecond);
    most.cpu = Math.max(most.cpu, cpu);
    most.memory = Math.max(most.memory, memory);
    most.network = Math.max(most.network, network);
    if (host.draining) continue;
    least.cpu = Math.min(least.cpu, cpu);
    least.memory = Math.min(least.memory, memory);
    least.network = Math.min(least.network, network);
    largest.cpu = Math.max(largest.cpu, host.cpuCapacityCores || Infinity);
    largest.memory = Math.max(largest.memory, host.memoryCapacityBytes || Infinity);
    largest.network = Math.max(largest.network, host.networkCapacityBytesPerSecond || Infinity);
  }
  return { most, least, largest };
}

/** Of the hosts of both. */
export function joinedExtremes(a: Extremes, b: Extremes): Extremes {
  return {
    most: ofBoth(a.most, b.most, Math.max),
    least: ofBoth(a.least, b.least, Math.min),
    largest: ofBoth(a.largest, b.largest, Math.max),
  };
}

/**
 * No move of `vm` from there to any of the hosts between these extremes gains more (gainOf): it
 * would go to one that is in every resource as little utilised as any, and as large.
 */
export function gainAtMost(
  vm: VmWeight,
  from: HostFigures,
  { least, largest }: Extremes,
  { scale, weights }: PotentialOptions,
): number {
  const traffic = vm.load.networkBytesPerSecond ?? 0;
  const use = utilisationOf(from);
  const cpu = won(vm.load.cpuCores, from.cpuCapacityCores, use.cpu - least.cpu, largest.cpu);
  const memory = won(
    vm.memoryBytes,
    from.memoryCapacityBytes,
    use.memory - least.memory,
    largest.memory,
  );
  const network = won(
    traffic,
    from.networkCapacityBytesPerSecond,
    use.network - least.network,
    largest.network,
  );
  const gain =
    (weights.cpu * cpu) / scale.cpuCores +
    (weights.memory * memory) / scale.memoryBytes +
    // Between hosts that do not know their links traffic counts for nothing.
    Math.max(0, (weights.network * network) / scale.networkBytesPerSecond);
  return gain + rounding;
}

/** What the first capacity falls by, less what the second rises by, over a gap in utilisation. */
function won(amount: number, here: number, gap: number, there: number): number {
  if (amount === 0) return 0;
  const saved = here > 0 ? amount / here : 0;
  return amount * (2 * gap - saved - amount / there);
}

function ofBoth(a: Utilisation, b: Utilisation, pick: (a: number, b: number) => number) {
  return {
    cpu: pick(a.cpu, b.cpu),
    memory: pick(a.memory, b.memory),
    network: pick(a.network, b.network),
  };
}
