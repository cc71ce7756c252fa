import { describe, expect, it } from "vitest";
import { RunStanding } from "#lib/simulation/run-standing.ts";
import { lopsidedCluster } from "../../support/small-cluster.ts";

describe("RunStanding", () => {
  it("follows a VM from host to host", () => {
    const standing = new RunStanding(lopsidedCluster(2, 4));
    expect([...standing.cpuShares]).toEqual([0.5, 0]);
    expect([...standing.memoryShares]).toEqual([5 / 32, 1 / 32]);
    standing.runs(1, 1);
    standing.runs(1, 1);
    expect([...standing.cpuShares]).toEqual([0.375, 0.125]);
    expect(standing.spread()).toMatchObject({ cpuSd: 0.125, cpuMax: 0.375 });
    expect(standing.placement().get("web-2")).toBe("h2");
  });

  it("counts a VM nowhere from its end to its next start", () => {
    const standing = new RunStanding(lopsidedCluster(2, 4));
    standing.ended(0, 1);
    expect(standing.downCount).toBe(0);
    standing.ended(0, 0);
    standing.ended(0, 0);
    expect([...standing.cpuShares]).toEqual([0.375, 0]);
    expect(standing.placement().has("web-1")).toBe(false);
    standing.recount();
    expect([...standing.cpuShares]).toEqual([0.375, 0]);
    standing.runs(0, 1);
    expect([...standing.cpuShares]).toEqual([0.375, 0.125]);
    expect(standing.downCount).toBe(0);
  });

  it("counts as contended the VMs of hosts that are asked for more than they have, not for all", () => {
    const standing = new RunStanding(lopsidedCluster(2, 8));
    expect(standing.contendedVms()).toBe(0);
    standing.setCpu(3, 1.5);
    standing.recount();
    expect(standing.contendedVms()).toBe(8);
    standing.runs(3, 1);
    expect(standing.contendedVms()).toBe(0);
  });
});
