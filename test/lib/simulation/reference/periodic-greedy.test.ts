import { describe, expect, it } from "vitest";
import { periodicGreedy } from "#lib/simulation/reference/periodic-greedy.ts";
import { modelHost, modelVm } from "../../../support/cluster-models.ts";

const model = {
  hosts: [modelHost("a"), modelHost("b")],
  vms: ["x", "y"].map((name) => modelVm(name, "a", { memoryBytes: 0 })),
};
const timer = { seconds: 1_000, everySeconds: 300, firstAtSecond: 150 };

describe("periodicGreedy()", () => {
  it("plans at its times only, on the loads of that second", () => {
    const cpuCoresAt = (_vm: number, second: number) => (second >= 200 ? 4 : 0);
    expect(periodicGreedy(model, { ...timer, cpuCoresAt })).toEqual([
      { second: 450, vm: "x", to: "b" },
    ]);
  });

  it("goes on from where its moves have left the VMs", () => {
    // Idle at first; then both burn; at last only y, so that there is nothing to gain.
    const cpuCoresAt = (vm: number, second: number) => (second < 700 || vm === 1 ? 4 : 0);
    expect(periodicGreedy(model, { ...timer, cpuCoresAt })).toHaveLength(1);
  });

  it("moves nothing that gains less than the least gain", () => {
    expect(periodicGreedy(model, { ...timer, gainMin: 0.5, cpuCoresAt: () => 4 })).toEqual([]);
  });
});
