import fc from "fast-check";
import type { ClusterModel } from "#lib/simulation/cluster-model.ts";
import { modelHost, modelVm } from "./cluster-models.ts";

const GIB = 2 ** 30;

/** Hosts of any sizes with VMs anywhere on them, now and then fuller than full. */
export function anyCluster({ hostsMax = 6, vmsMax = 20 } = {}): fc.Arbitrary<ClusterModel> {
  const host = fc.record({
    cpuCapacityCores: fc.integer({ min: 4, max: 64 }),
    memoryCapacityBytes: fc.integer({ min: 16, max: 128 }).map((gib) => gib * GIB),
    reservedMemoryBytes: fc.integer({ min: 0, max: 4 }).map((gib) => gib * GIB),
  });
  const vm = fc.record({
    at: fc.nat(),
    cpuCores: fc.double({ min: 0, max: 6, noNaN: true }),
    memoryBytes: fc.integer({ min: 1, max: 16 }).map((gib) => gib * GIB),
  });
  return fc
    .tuple(
      fc.array(host, { minLength: 1, maxLength: hostsMax }),
      fc.array(vm, { maxLength: vmsMax }),
    )
    .map(([hosts, vms]) => ({
      hosts: hosts.map((figures, index) => modelHost(`host${index}`, figures)),
      vms: vms.map(({ at, ...figures }, index) =>
        modelVm(`vm${index}`, `host${at % hosts.length}`, figures),
      ),
    }));
}
