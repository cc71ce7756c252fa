import type { ClusterModel, ModelVm } from "#lib/simulation/cluster-model.ts";

const gibibyte = 2 ** 30;

/** Equal hosts, all VMs on the first of them, each burning one of its eight cores. */
export function lopsidedCluster(hosts: number, vms: number, changes: Partial<ModelVm> = {}) {
  const model: ClusterModel = {
    hosts: Array.from({ length: hosts }, (_, index) => ({
      name: `h${index + 1}`,
      cpuCapacityCores: 8,
      memoryCapacityBytes: 32 * gibibyte,
      reservedMemoryBytes: gibibyte,
    })),
    vms: Array.from({ length: vms }, (_, index) => ({
      name: `web-${index + 1}`,
      host: "h1",
      cpuCores: 1,
      memoryBytes: gibibyte,
      diskBytes: 0,
      vcpus: 1,
      dirtyBytesPerSecond: 0,
      ...changes,
    })),
  };
  return model;
}
