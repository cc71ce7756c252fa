import { HostKeys } from "#agent/transport/host-keys.ts";
import type { HostSummary } from "#lib/model/host.ts";
import type { HostId } from "#lib/model/ids.ts";
import type { InventoryRecord, SummaryRecord } from "#lib/model/record.ts";

const GIB = 2 ** 30;

/** The keys of a host, the same for the same number. */
export function keysOf(number: number): HostKeys {
  return new HostKeys(new Uint8Array(32).fill(number));
}

export function summaryOf(changes: Partial<HostSummary> = {}): HostSummary {
  return {
    name: "host",
    presence: "here",
    draining: false,
    cpuCapacityCores: 4,
    memoryCapacityBytes: 8 * GIB,
    projectedCpuCores: 1.5,
    projectedMemoryBytes: GIB,
    measuredCpuCores: 1.25,
    pressure: { cpuShare: 0.1, memoryShare: 0, ioShare: 0.02 },
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
    addresses: ["/ip4/127.0.0.1/tcp/7400"],
    probePort: 7400,
    keyed: true,
    protocolMin: 1,
    protocolMax: 1,
    agentVersion: "0.1.0",
    instance: "00112233445566aa",
    ...changes,
  };
}

export function summaryRecord(host: HostId, seq: number, name = "host"): SummaryRecord {
  return { kind: "summary", host, incarnation: 1, seq, body: summaryOf({ name }) };
}

/** An inventory of `vmCount` VMs, each about 200 bytes packed. */
export function inventoryRecord(host: HostId, seq: number, vmCount: number): InventoryRecord {
  const vms = Array.from({ length: vmCount }, (_, i) => ({
    name: `vm-${i}`,
    version: 1,
    state: "running" as const,
    vcpus: 1,
    memoryBytes: GIB,
    load: {
      cpuCores: 0.1,
      residentBytes: GIB,
      dirtyBytesPerSecond: null,
      networkBytesPerSecond: null,
    },
    policy: { pin: null, ignore: false, antiAffinityGroup: null, affinityGroup: null },
    move: null,
    moveTarget: null,
    immovable: `a reason of some length that makes the entry larger, number ${i}`,
  }));
  return { kind: "inventory", host, incarnation: 1, seq, body: { vms, outcomes: [] } };
}
