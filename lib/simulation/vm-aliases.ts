import { isVmName, type VmName } from "../model/ids.ts";
import type { ModelVm } from "./cluster-model.ts";

/**
 * The names that simulated agents know the VMs of a cluster by: their own where an agent would take
 * them, else made ones, since other platforms allow more. Keys come in the order of `vms`.
 */
export function vmAliases(vms: readonly ModelVm[]): Map<VmName, ModelVm> {
  const taken = new Set(vms.map((vm) => vm.name));
  const aliases = new Map<VmName, ModelVm>();
  let made = 0;
  for (const vm of vms) {
    let alias = vm.name;
    while (!isVmName(alias) || (alias !== vm.name && taken.has(alias))) {
      made += 1;
      alias = `vm-${made}`;
    }
    aliases.set(alias, vm);
  }
  return aliases;
}
