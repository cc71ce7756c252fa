import type { VmEntry } from "../model/vm.ts";
import type { VmFigures } from "../planning/vm-figures.ts";

/** What the planner knows of another host's VMs: those whose load that host tells. */
export function figuresOfEntries(entries: readonly VmEntry[]): readonly VmFigures[] {
  return entries.flatMap((entry) => {
    const { name: vm, load, memoryBytes, policy, immovable } = entry;
    if (load === null) return [];
    // Another host does not tell when its VMs were moved last.
    return [{ vm, load, memoryBytes, policy, immovable, cooldownUntilMs: 0 }];
  });
}
