import type { Snapshot, VmView } from "#lib/core/snapshot.ts";
import { hostNameOf } from "./host-names.ts";

/** A VM as `GET /v1/vms` shows it: `host` is the display name of the host that owns it. */
export function renderVm(snapshot: Snapshot, vm: VmView) {
  return {
    name: vm.name,
    host: vm.hostName,
    hostId: vm.host,
    /** A VM of a dead member is only remembered: its state is the last that was heard. */
    hostState: vm.hostState,
    state: vm.state,
    version: vm.version,
    vcpus: vm.vcpus,
    memoryBytes: vm.memoryBytes,
    load: vm.load,
    policy: vm.policy,
    moveId: vm.move,
    moveTarget: vm.moveTarget === null ? null : hostNameOf(snapshot, vm.moveTarget),
    immovable: vm.immovable,
  };
}
