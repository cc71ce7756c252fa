import { compareText } from "../base/ordered.ts";
import type { HostId, VmName } from "../model/ids.ts";
import type { InventoryRecord } from "../model/record.ts";
import type { VmState } from "../model/vm.ts";
import type { HostRecords } from "./host-records.ts";

/** States that mean "its memory is here, and nobody else's": two of them are a duplicate. */
const shownStates: ReadonlySet<VmState> = new Set(["running", "migrating", "paused"]);

/** One VM that more than one host shows. */
export interface Contested {
  readonly vm: VmName;
  /** By id. */
  readonly hosts: readonly HostId[];
  /** Since when the second of them has shown what it shows now. */
  readonly sinceMs: number;
}

type Showing = Pick<HostRecords, "host" | "inventory" | "shownSinceMs">;

/**
 * VMs that more than one host shows, by name. Looked for when somebody asks: an index of all VMs,
 * kept by each host of a large cluster, would be most of what that host keeps.
 */
export function contestedVms(all: Iterable<Showing>): Contested[] {
  const first = new Map<VmName, Showing>();
  const contested = new Map<VmName, Showing[]>();
  for (const showing of all) {
    for (const { name, state } of showing.inventory?.record.body.vms ?? []) {
      if (!shownStates.has(state)) continue;
      const other = first.get(name);
      if (!other) first.set(name, showing);
      else contested.set(name, [...(contested.get(name) ?? [other]), showing]);
    }
  }
  return [...contested]
    .map(([vm, showings]) => contestedOf(vm, showings))
    .sort((a, b) => compareText(a.vm, b.vm));
}

function contestedOf(vm: VmName, showings: readonly Showing[]): Contested {
  const sinceMs = showings.map(({ shownSinceMs }) => shownSinceMs).sort((a, b) => a - b)[1] ?? 0;
  return { vm, hosts: showings.map(({ host }) => host).sort(compareText), sinceMs };
}

/** True when two inventories of one host show the same VMs: most differ in loads only. */
export function showTheSame(before: InventoryRecord, after: InventoryRecord): boolean {
  if (before.body.vms.length !== after.body.vms.length) return false;
  return after.body.vms.every(({ name, state }, index) => {
    const old = before.body.vms[index];
    return old?.name === name && shownStates.has(old.state) === shownStates.has(state);
  });
}
