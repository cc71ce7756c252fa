import type { ModelHost, ModelVm } from "#lib/simulation/cluster-model.ts";

const GIB = 2 ** 30;

/** A host of 16 cores and 64 GiB, nothing reserved. */
export function modelHost(name: string, changes: Partial<ModelHost> = {}): ModelHost {
  return {
    name,
    cpuCapacityCores: 16,
    memoryCapacityBytes: 64 * GIB,
    reservedMemoryBytes: 0,
    ...changes,
  };
}

/** A VM that burns one core and has 2 GiB. */
export function modelVm(name: string, host: string, changes: Partial<ModelVm> = {}): ModelVm {
  return {
    name,
    host,
    cpuCores: 1,
    memoryBytes: 2 * GIB,
    diskBytes: 0,
    vcpus: 2,
    dirtyBytesPerSecond: 0,
    ...changes,
  };
}
