import { compareText } from "../base/ordered.ts";
import type { HostId, VmName } from "../model/ids.ts";
import type { InventoryRecord } from "../model/record.ts";
import type { VmState } from "../model/vm.ts";

/** States that mean "its memory is here, and nobody else's": two of them are a duplicate. */
const shownStates: ReadonlySet<VmState> = new Set(["running", "migrating", "paused"]);

/** One VM that more than one host shows. */
export interface Contested {
  readonly vm: VmName;
  readonly hosts: readonly HostId[];
  readonly sinceMs: number;
}

/**
 * Which hosts show which VM, kept up with each inventory, so that a fleet of thousands of VMs costs
 * nothing to check.
 */
export class VmIndex {
  readonly #hostsByVm = new Map<VmName, Set<HostId>>();
  readonly #contestedSinceMs = new Map<VmName, number>();

  /** Either inventory may be missing: a host's first, or one that is dropped. */
  replace(
    before: InventoryRecord | undefined,
    after: InventoryRecord | undefined,
    nowMs: number,
  ): void {
    const shownBefore = shownIn(before);
    const shownAfter = shownIn(after);
    for (const vm of shownBefore) {
      if (before && !shownAfter.has(vm)) this.#remove(vm, before.host);
    }
    for (const vm of shownAfter) {
      if (after && !shownBefore.has(vm)) this.#add(vm, after.host, nowMs);
    }
  }

  /** By VM name; hosts by id. */
  contested(): Contested[] {
    const contested: Contested[] = [];
    for (const [vm, sinceMs] of this.#contestedSinceMs) {
      const hosts = [...(this.#hostsByVm.get(vm) ?? [])].sort(compareText);
      contested.push({ vm, hosts, sinceMs });
    }
    return contested.sort((a, b) => compareText(a.vm, b.vm));
  }

  #add(vm: VmName, host: HostId, nowMs: number): void {
    const hosts = this.#hostsByVm.get(vm) ?? new Set();
    hosts.add(host);
    this.#hostsByVm.set(vm, hosts);
    if (hosts.size === 2) this.#contestedSinceMs.set(vm, nowMs);
  }

  #remove(vm: VmName, host: HostId): void {
    const hosts = this.#hostsByVm.get(vm);
    hosts?.delete(host);
    if (hosts?.size === 0) this.#hostsByVm.delete(vm);
    if (!hosts || hosts.size < 2) this.#contestedSinceMs.delete(vm);
  }
}

function shownIn(inventory: InventoryRecord | undefined): ReadonlySet<VmName> {
  const shown = new Set<VmName>();
  for (const { name, state } of inventory?.body.vms ?? [])
    if (shownStates.has(state)) shown.add(name);
  return shown;
}
