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
  /** One host as it is, several in a set: nearly every VM is shown by one. */
  readonly #hostsByVm = new Map<VmName, HostId | Set<HostId>>();
  readonly #contestedSinceMs = new Map<VmName, number>();

  /** Either inventory may be missing: a host's first, or one that is dropped. */
  replace(
    before: InventoryRecord | undefined,
    after: InventoryRecord | undefined,
    nowMs: number,
  ): void {
    // Most inventories differ from the last one in loads only.
    if (showTheSame(before, after)) return;
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
      const hosts = this.#hostsByVm.get(vm);
      if (!(hosts instanceof Set)) continue;
      contested.push({ vm, hosts: [...hosts].sort(compareText), sinceMs });
    }
    return contested.sort((a, b) => compareText(a.vm, b.vm));
  }

  #add(vm: VmName, host: HostId, nowMs: number): void {
    const known = this.#hostsByVm.get(vm);
    if (known === undefined || known === host) {
      this.#hostsByVm.set(vm, host);
      return;
    }
    const hosts = known instanceof Set ? known : new Set([known]);
    hosts.add(host);
    this.#hostsByVm.set(vm, hosts);
    if (hosts.size === 2) this.#contestedSinceMs.set(vm, nowMs);
  }

  #remove(vm: VmName, host: HostId): void {
    const known = this.#hostsByVm.get(vm);
    if (known === host) this.#hostsByVm.delete(vm);
    if (!(known instanceof Set)) return;
    known.delete(host);
    if (known.size >= 2) return;
    this.#contestedSinceMs.delete(vm);
    for (const last of known) this.#hostsByVm.set(vm, last);
  }
}

function showTheSame(
  before: InventoryRecord | undefined,
  after: InventoryRecord | undefined,
): boolean {
  if (!before || !after || before.body.vms.length !== after.body.vms.length) return false;
  return after.body.vms.every(({ name, state }, index) => {
    const old = before.body.vms[index];
    return old?.name === name && shownStates.has(old.state) === shownStates.has(state);
  });
}

function shownIn(inventory: InventoryRecord | undefined): ReadonlySet<VmName> {
  const shown = new Set<VmName>();
  for (const { name, state } of inventory?.body.vms ?? [])
    if (shownStates.has(state)) shown.add(name);
  return shown;
}
