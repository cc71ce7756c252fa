import { HostKeys } from "#agent/transport/host-keys.ts";
import type { HostId } from "#lib/model/ids.ts";
import type { InventoryRecord, SummaryRecord } from "#lib/model/record.ts";
import { hostSummary } from "./host-summary.ts";

const GIB = 2 ** 30;

/** The keys of a host, the same for the same number. */
export function keysOf(number: number): HostKeys {
  return new HostKeys(new Uint8Array(32).fill(number));
}

export function summaryRecord(host: HostId, seq: number, name = "host"): SummaryRecord {
  return { kind: "summary", host, incarnation: 1, seq, body: hostSummary({ name }) };
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
