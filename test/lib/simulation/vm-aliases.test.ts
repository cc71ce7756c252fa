import { describe, expect, it } from "vitest";
import { isVmName } from "#lib/model/ids.ts";
import { vmAliases } from "#lib/simulation/vm-aliases.ts";
import { lopsidedCluster } from "../../support/small-cluster.ts";

describe("vmAliases()", () => {
  it("keeps good names, and makes good ones that are nobody's for the others", () => {
    const names = ["web", "Web", "vm-1", "a b", "-x-", "vm-2"];
    const vms = lopsidedCluster(1, names.length).vms.map((vm, index) => {
      return { ...vm, name: names[index] ?? "" };
    });
    const aliases = vmAliases(vms);
    expect([...aliases.values()]).toEqual(vms);
    expect([...aliases.keys()].every(isVmName)).toBe(true);
    expect([...aliases.keys()]).toEqual(["web", "vm-3", "vm-1", "vm-4", "vm-5", "vm-2"]);
  });
});
