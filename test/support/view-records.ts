import type { HostSummary } from "#lib/model/host.ts";
import type { ClusterDocument, InventoryRecord, SummaryRecord } from "#lib/model/record.ts";
import type { VmEntry, VmState } from "#lib/model/vm.ts";

const summaryBody: HostSummary = {
  name: "host",
  presence: "here",
  draining: false,
  cpuCapacityCores: 4,
  memoryCapacityBytes: 2 ** 33,
  projectedCpuCores: 1,
  projectedMemoryBytes: 2 ** 30,
  measuredCpuCores: 1,
  pressure: null,
  freeSlotsIn: 1,
  freeSlotsOut: 1,
  vmCount: 0,
  antiAffinityGroups: [],
  affinityGroups: [],
  projectedNetworkBytesPerSecond: 0,
  networkCapacityBytesPerSecond: 0,
  hypervisor: {
    kind: "sim",
    version: "1",
    accelerator: "none",
    liveMigrationRefusal: null,
    architecture: "x86_64",
  },
  addresses: [],
  probePort: 0,
  keyed: true,
  protocolMin: 1,
  protocolMax: 1,
  agentVersion: "0.1.0",
  instance: "0123456789abcdef",
};

/** A summary of `host` at a version; its content is a function of the version. */
export function summaryRecord(host: string, seq: number, incarnation = 0): SummaryRecord {
  return { kind: "summary", host, incarnation, seq, body: { ...summaryBody, name: host } };
}

export function inventoryRecord(
  host: string,
  seq: number,
  vms: Readonly<Record<string, VmState>> = {},
): InventoryRecord {
  const entries = Object.entries(vms).map(([name, state]) => vmEntry(name, state));
  return { kind: "inventory", host, incarnation: 0, seq, body: { vms: entries, outcomes: [] } };
}

function vmEntry(name: string, state: VmState): VmEntry {
  return {
    name,
    version: 1,
    state,
    vcpus: 1,
    memoryBytes: 2 ** 25,
    load: null,
    policy: { pin: null, ignore: false, antiAffinityGroup: null, affinityGroup: null },
    move: null,
    moveTarget: null,
    immovable: null,
  };
}

export function documentOf(name: string, version: number, hash = "aa"): ClusterDocument {
  return { name, version, hash, author: "QmHostA", value: `${name}/${version}/${hash}` };
}
