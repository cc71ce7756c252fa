import type { MoveOffer } from "../model/host-op.ts";
import type { VmSpec } from "../model/vm-spec.ts";
import type { SimCopy } from "./sim-copy.ts";
import { simHypervisor } from "./sim-hypervisor.ts";

/** What a simulated source says of a VM that it offers. */
export function simOffer(spec: VmSpec): MoveOffer {
  return {
    spec,
    hypervisorVersion: simHypervisor.version,
    accelerator: simHypervisor.accelerator,
    machineType: spec.machine,
    storageNonce: spec.disks.length > 0 ? "simulated" : null,
  };
}

/** Why a simulated target cannot take the VM, in words; null when it can. */
export function simRefusal(offer: MoveOffer, copy: SimCopy | undefined): string | null {
  const { spec, hypervisorVersion } = offer;
  if (copy) return `${spec.name} is ${copy.state} on the target already`;
  if (hypervisorVersion === simHypervisor.version) return null;
  return `the source's simulator is ${hypervisorVersion}, the target's ${simHypervisor.version}`;
}
