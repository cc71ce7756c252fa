import { describe, expect, it } from "vitest";
import { type ClusterModel, placementOf, spreadOf, usesOf } from "#lib/simulation/cluster-model.ts";
import { modelHost, modelVm } from "../../support/cluster-models.ts";

const model: ClusterModel = {
  hosts: [
    modelHost("a", { cpuCapacityCores: 10, memoryCapacityBytes: 100, reservedMemoryBytes: 10 }),
    modelHost("b", { cpuCapacityCores: 20, memoryCapacityBytes: 200, reservedMemoryBytes: 10 }),
  ],
  vms: [
    modelVm("web", "a", { cpuCores: 6, memoryBytes: 40 }),
    modelVm("db", "a", { cpuCores: 2, memoryBytes: 30 }),
  ],
};

describe("spreadOf()", () => {
  it("takes each host's utilisation by its own capacity, memory with what is reserved", () => {
    // a: 8/10 and 80/100; b: 0/20 and 10/200.
    const spread = spreadOf(model);
    expect(spread.cpuMax).toBeCloseTo(0.8);
    expect(spread.cpuSd).toBeCloseTo(0.4);
    expect(spread.memMax).toBeCloseTo(0.8);
    expect(spread.memSd).toBeCloseTo(0.375);
  });

  it("follows a placement, and leaves VMs that it does not name where they were", () => {
    const spread = spreadOf(model, new Map([["web", "b"]]));
    // a: 2/10 and 40/100; b: 6/20 and 50/200.
    expect(spread.cpuMax).toBeCloseTo(0.3);
    expect(spread.cpuSd).toBeCloseTo(0.05);
    expect(spread.memMax).toBeCloseTo(0.4);
    expect(spread.memSd).toBeCloseTo(0.075);
  });

  it("is zero without hosts and where capacities are not known", () => {
    const none = { cpuSd: 0, cpuMax: 0, memSd: 0, memMax: 0 };
    expect(spreadOf({ hosts: [], vms: [] })).toEqual(none);
    const unknown = modelHost("a", { cpuCapacityCores: 0, memoryCapacityBytes: 0 });
    expect(spreadOf({ hosts: [unknown], vms: [modelVm("web", "a")] })).toEqual(none);
  });
});

describe("usesOf()", () => {
  it("counts a VM on an unknown host nowhere", () => {
    expect(usesOf(model, new Map([["web", "gone"]]))).toEqual([
      { cpuCores: 2, memoryBytes: 40 },
      { cpuCores: 0, memoryBytes: 10 },
    ]);
  });
});

describe("placementOf()", () => {
  it("is where the model has each VM", () => {
    expect([...placementOf(model)]).toEqual([
      ["web", "a"],
      ["db", "a"],
    ]);
  });
});
