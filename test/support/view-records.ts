import type { ClusterDocument, InventoryRecord, SummaryRecord } from "#lib/model/record.ts";
import type { VmEntry, VmState } from "#lib/model/vm.ts";
import { hostSummary } from "./host-summary.ts";

/** Nobody listens behind these records. */
const unreachable = { addresses: [], probePort: 0 };

/** A summary of `host` at a version; its content is a function of the version. */
export function summaryRecord(host: string, seq: number, incarnation = 0): SummaryRecord {
  return {
    kind: "summary",
    host,
    incarnation,
    seq,
    body: hostSummary({ name: host, ...unreachable }),
  };
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
