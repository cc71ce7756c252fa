import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { InventoryRecord } from "#lib/model/record.ts";
import type { VmState } from "#lib/model/vm.ts";
import { contestedVms, showTheSame } from "#lib/view/contested-vms.ts";
import { inventoryRecord } from "../../support/view-records.ts";

const shown = new Set<VmState>(["running", "migrating", "paused"]);
const inventoryOf = (host: string) =>
  fc
    .dictionary(
      fc.constantFrom("v1", "v2", "v3"),
      fc.constantFrom<VmState>("running", "migrating", "paused", "suspended", "in-doubt"),
    )
    .map((vms) => inventoryRecord(host, 1, { ...vms }));
const inventories = fc.tuple(inventoryOf("a"), inventoryOf("b"), inventoryOf("c"));

const showing = (record: InventoryRecord, shownSinceMs = 0) => ({
  host: record.host,
  inventory: { record, receivedAtMs: 0, madeAtMs: 0 },
  shownSinceMs,
});

/** VM by VM, for every pair of hosts. */
function pairwise(records: readonly InventoryRecord[]): unknown {
  const shows = (record: InventoryRecord, vm: string) =>
    record.body.vms.some(({ name, state }) => name === vm && shown.has(state));
  return ["v1", "v2", "v3"]
    .map((vm) => [vm, records.filter((record) => shows(record, vm)).map(({ host }) => host)])
    .filter(([, hosts]) => (hosts?.length ?? 0) > 1);
}

describe("contestedVms()", () => {
  it("finds every VM that several hosts show, and no other", () => {
    fc.assert(
      fc.property(inventories, (records) => {
        const found = contestedVms(records.map((record) => showing(record)));
        expect(found.map(({ vm, hosts }) => [vm, hosts])).toEqual(pairwise(records));
      }),
    );
  });

  it("says since when: since the second of them showed it", () => {
    const hosts = [30, 10, 20].map((sinceMs, index) =>
      showing(inventoryRecord(`h${index}`, 1, { v: "running" }), sinceMs),
    );
    expect(contestedVms(hosts)).toEqual([{ vm: "v", hosts: ["h0", "h1", "h2"], sinceMs: 20 }]);
  });
});

describe("showTheSame()", () => {
  const before = inventoryRecord("a", 1, { v: "running", w: "suspended" });

  it.each([
    { name: "the same", vms: { v: "paused", w: "stopped" }, same: true },
    { name: "a VM more", vms: { v: "running", w: "running" }, same: false },
    { name: "a VM less", vms: { v: "running" }, same: false },
    { name: "another", vms: { x: "running", w: "suspended" }, same: false },
  ] as const)("tells $name", ({ vms, same }) => {
    expect(showTheSame(before, inventoryRecord("a", 2, vms))).toBe(same);
  });
});
