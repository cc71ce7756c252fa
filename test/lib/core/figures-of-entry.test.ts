import { expect, test } from "vitest";
import { figuresOfEntries } from "#lib/core/figures-of-entry.ts";
import type { VmEntry } from "#lib/model/vm.ts";
import { inventoryRecord } from "../../support/view-records.ts";

const load = {
  cpuCores: 0.5,
  residentBytes: 2 ** 24,
  dirtyBytesPerSecond: null,
  networkBytesPerSecond: 1000,
};

function entry(name: string, changes: Partial<VmEntry> = {}): VmEntry {
  const [first] = inventoryRecord("QmOther", 1, { [name]: "running" }).body.vms;
  if (!first) throw new Error("the record shows no VM");
  return { ...first, load, ...changes };
}

test("figuresOfEntries() takes what the planner needs of a gossiped VM", () => {
  const policy = { pin: "node-a", ignore: true, antiAffinityGroup: "db", affinityGroup: null };
  const changes = { memoryBytes: 2 ** 26, policy, immovable: "it is starting" };
  expect(figuresOfEntries([entry("web", changes)])).toEqual([
    { vm: "web", load, cooldownUntilMs: 0, ...changes },
  ]);
});

test("figuresOfEntries() leaves out VMs whose load their host does not know", () => {
  const found = figuresOfEntries([entry("web"), entry("new", { load: null }), entry("db")]);
  expect(found.map(({ vm }) => vm)).toEqual(["web", "db"]);
  expect(figuresOfEntries([])).toEqual([]);
});
