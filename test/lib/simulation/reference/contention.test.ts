import { describe, expect, it } from "vitest";
import { contentionVmSeconds } from "#lib/simulation/reference/contention.ts";
import { modelHost, modelVm } from "../../../support/cluster-models.ts";

const model = {
  hosts: [modelHost("a", { cpuCapacityCores: 4 }), modelHost("b", { cpuCapacityCores: 4 })],
  vms: [modelVm("x", "a"), modelVm("y", "a"), modelVm("z", "b")],
};
/** x and y ask for 3 cores each from 20 s to 50 s, for one else; z always for one. */
const cpuCoresAt = (vm: number, second: number) => (vm < 2 && second >= 20 && second < 50 ? 3 : 1);
const given = { seconds: 100, stepSeconds: 10, cpuCoresAt };

describe("contentionVmSeconds()", () => {
  it("counts each VM of a host for as long as the host is asked for more than it has", () => {
    expect(contentionVmSeconds(model, { ...given, moves: [] })).toBe(2 * 30);
  });

  it("does not count a host that is asked for just what it has", () => {
    const exact = { ...given, moves: [], cpuCoresAt: () => 2 };
    expect(contentionVmSeconds(model, exact)).toBe(0);
  });

  it("ends with the move that relieves the host, in the middle of a step too", () => {
    const moves = [{ second: 34, vm: "x", to: "b" }];
    expect(contentionVmSeconds(model, { ...given, moves })).toBe(2 * 14);
  });

  it("begins with the move that overfills a host, and counts the others there as well", () => {
    const moves = [
      { second: 5, vm: "z", to: "a" },
      { second: 45, vm: "z", to: "b" },
    ];
    expect(contentionVmSeconds(model, { ...given, moves })).toBe(3 * 25 + 2 * 5);
  });

  it("takes several moves of one second together, and leaves moves after the end out", () => {
    const moves = [
      { second: 20, vm: "x", to: "b" },
      { second: 20, vm: "x", to: "a" },
      { second: 20, vm: "y", to: "b" },
      { second: 500, vm: "x", to: "b" },
    ];
    expect(contentionVmSeconds(model, { ...given, moves })).toBe(0);
  });
});
