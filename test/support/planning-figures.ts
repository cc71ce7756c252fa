import type { HypervisorFacts } from "#lib/model/host.ts";
import type { HostFigures } from "#lib/planning/host-figures.ts";
import type { VmFigures } from "#lib/planning/vm-figures.ts";

const GIB = 2 ** 30;

export const simHypervisor: HypervisorFacts = {
  kind: "sim",
  version: "1.0",
  accelerator: "none",
  liveMigrationRefusal: null,
  architecture: "x86_64",
};

/** A host of 10 cores and 100 GiB, empty unless told otherwise. Its id is its name. */
export function hostFigures(name: string, changes: Partial<HostFigures> = {}): HostFigures {
  return {
    host: name,
    name,
    cpuCapacityCores: 10,
    memoryCapacityBytes: 100 * GIB,
    cpuCores: 0,
    memoryBytes: 0,
    freeSlotsIn: 1,
    freeSlotsOut: 1,
    draining: false,
    networkBytesPerSecond: 0,
    networkCapacityBytesPerSecond: 0,
    antiAffinityGroups: [],
    affinityGroups: [],
    hypervisor: simHypervisor,
    ...changes,
  };
}

interface VmChanges extends Partial<Omit<VmFigures, "load" | "policy">> {
  readonly cpuCores?: number;
  readonly dirtyBytesPerSecond?: number | null;
  readonly networkBytesPerSecond?: number | null;
  readonly policy?: Partial<VmFigures["policy"]>;
}

/** A VM of 1 core and 1 GiB with no rules. */
export function vmFigures(vm: string, changes: VmChanges = {}): VmFigures {
  const {
    cpuCores = 1,
    dirtyBytesPerSecond = null,
    networkBytesPerSecond = null,
    policy,
    ...rest
  } = changes;
  return {
    vm,
    load: { cpuCores, residentBytes: GIB, dirtyBytesPerSecond, networkBytesPerSecond },
    memoryBytes: GIB,
    immovable: null,
    cooldownUntilMs: 0,
    ...rest,
    policy: { pin: null, ignore: false, antiAffinityGroup: null, affinityGroup: null, ...policy },
  };
}
