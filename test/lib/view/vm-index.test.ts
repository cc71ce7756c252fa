import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { InventoryRecord } from "#lib/model/record.ts";
import type { VmState } from "#lib/model/vm.ts";
import { VmIndex } from "#lib/view/vm-index.ts";
import { inventoryRecord } from "../../support/view-records.ts";

const shown = new Set<VmState>(["running", "migrating", "paused"]);
const inventory = fc
  .tuple(
    fc.constantFrom("a", "b", "c"),
    fc.dictionary(
      fc.constantFrom("v1", "v2", "v3"),
      fc.constantFrom<VmState>("running", "migrating", "paused", "suspended", "in-doubt"),
    ),
  )
  .map(([host, vms]) => inventoryRecord(host, 1, { ...vms }));

/** The same from scratch, by looking at everything. */
function contestedIn(inventories: Iterable<InventoryRecord>): unknown {
  const hosts = new Map<string, string[]>();
  for (const { host, body } of inventories) {
    for (const { name, state } of body.vms) {
      if (shown.has(state)) hosts.set(name, [...(hosts.get(name) ?? []), host].sort());
    }
  }
  return [...hosts].filter(([, names]) => names.length > 1).sort();
}

describe("VmIndex", () => {
  it("keeps up with every change of every inventory", () => {
    fc.assert(
      fc.property(fc.array(inventory, { maxLength: 30 }), (changes) => {
        const index = new VmIndex();
        const latest = new Map<string, InventoryRecord>();
        for (const next of changes) {
          index.replace(latest.get(next.host), next, 0);
          latest.set(next.host, next);
          const found = index.contested().map(({ vm, hosts }) => [vm, hosts]);
          expect(found).toEqual(contestedIn(latest.values()));
        }
      }),
    );
  });

  it("says since when, through changes that settle nothing", () => {
    const index = new VmIndex();
    const a = inventoryRecord("a", 1, { v: "running" });
    const b = inventoryRecord("b", 1, { v: "running" });
    index.replace(undefined, a, 10);
    index.replace(undefined, b, 20);
    index.replace(b, inventoryRecord("b", 2, { v: "paused" }), 30);
    expect(index.contested()).toEqual([{ vm: "v", hosts: ["a", "b"], sinceMs: 20 }]);
    index.replace(a, undefined, 40);
    expect(index.contested()).toEqual([]);
  });
});
