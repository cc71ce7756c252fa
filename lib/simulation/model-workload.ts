import type { VmName } from "../model/ids.ts";
import type { VmLoad } from "../model/load.ts";
import type { VmSpec } from "../model/vm-spec.ts";
import type { ModelVm } from "./cluster-model.ts";
import type { Workload } from "./workload.ts";

/** What a cluster's description says of its VMs, for ever: a VM that it does not name asks nothing. */
export class ModelWorkload implements Workload {
  readonly #vms: ReadonlyMap<VmName, ModelVm>;

  /** `vms` by the name that the simulated agents know them by. */
  constructor(vms: ReadonlyMap<VmName, ModelVm>) {
    this.#vms = vms;
  }

  loadOf(spec: VmSpec): VmLoad {
    const vm = this.#vms.get(spec.name);
    return {
      cpuCores: vm?.cpuCores ?? 0,
      residentBytes: spec.memoryBytes,
      dirtyBytesPerSecond: vm?.dirtyBytesPerSecond ?? 0,
      networkBytesPerSecond: null,
    };
  }
}
