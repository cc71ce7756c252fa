import { describe, expect, it } from "vitest";
import {
  copies,
  emptyLoad,
  NodeDriver,
  ownLine,
  proposal,
  settledDriver,
  specOf,
} from "../../support/node-driver.ts";

const mebibytes = 2 ** 20;

function summaryOf(driver: NodeDriver) {
  return driver.node.snapshot(driver.nowMs).members.find(({ self }) => self)?.summary;
}

describe("ownSummary()", () => {
  it("adds up what the host itself and its guests need", () => {
    const driver = settledDriver({ own: ["web", "db"] });
    const host = { ...emptyLoad, otherCpuCores: 0.25, reservedMemoryBytes: 100 * mebibytes };
    driver.sample(90, { web: 0.5, db: 0.5 }, host);
    const summary = summaryOf(driver);
    expect(summary?.projectedCpuCores).toBeCloseTo(1.25, 1);
    expect(summary?.measuredCpuCores).toBe(summary?.projectedCpuCores);
    expect(summary).toMatchObject({
      cpuCapacityCores: 4,
      projectedMemoryBytes: (100 + 2 * 64) * mebibytes,
      vmCount: 2,
      freeSlotsIn: 1,
      freeSlotsOut: 1,
    });
  });

  it("shows single samples while it measures its guests, and says that it does", () => {
    const driver = new NodeDriver();
    driver.start({ journal: [ownLine("web")], copies: copies({ web: "running" }) });
    driver.sample(1, { web: 0.5 });
    expect(summaryOf(driver)).toMatchObject({ measuring: true, projectedCpuCores: 0.5 });
    driver.sample(1, { web: 1.5 });
    expect(summaryOf(driver)).toMatchObject({ measuring: true, projectedCpuCores: 1.5 });
    driver.sample(1, { web: 1 });
    expect(summaryOf(driver)).toMatchObject({ projectedCpuCores: 1 });
    expect(summaryOf(driver)).not.toHaveProperty("measuring");
  });

  it("counts memory from the start of a guest on, and no more once it is gone", () => {
    const driver = settledDriver({ own: ["web"] });
    driver.ask({ verb: "stop", vm: "web", force: true });
    driver.end("stop", null);
    driver.list({});
    expect(summaryOf(driver)?.projectedMemoryBytes).toBe(0);
    driver.ask({ verb: "start", vm: "web" });
    expect(summaryOf(driver)?.projectedMemoryBytes).toBe(64 * mebibytes);
  });

  it("adds up the traffic, and tells of links only what is known", () => {
    const driver = settledDriver({ own: ["web"] });
    expect(summaryOf(driver)).toMatchObject({ networkCapacityBytesPerSecond: 0 });
    const links = { networkCapacityBytesPerSecond: 250e6, otherNetworkBytesPerSecond: 1e6 };
    driver.sample(30, { web: 0.1 }, { ...emptyLoad, ...links });
    expect(summaryOf(driver)).toMatchObject({
      networkCapacityBytesPerSecond: 250e6,
      projectedNetworkBytesPerSecond: 1e6,
    });
  });

  it("counts a group's VMs here and on their way here, but none that is leaving", () => {
    const policy = { ...specOf("any").policy, affinityGroup: "web" };
    const spec = (name: string) => specOf(name, { policy });
    const part = (vms: number) => [{ group: "web", vms, memoryBytes: vms * 64 * mebibytes }];
    const driver = settledDriver();
    expect(summaryOf(driver)?.affinityGroups).toEqual([]);
    for (const name of ["w1", "w2"]) {
      driver.ask({ verb: "define", spec: spec(name) });
      driver.ask({ verb: "start", vm: name });
    }
    expect(summaryOf(driver)?.affinityGroups).toEqual(part(2));
    driver.receive("QmOther", proposal("w3", { spec: spec("w3") }));
    driver.wait(200);
    expect(summaryOf(driver)?.affinityGroups).toEqual(part(3));
    driver.end("admit", { refusal: "no such bridge" });
    expect(summaryOf(driver)?.affinityGroups).toEqual(part(2));
  });

  it("claims no size before it was measured", () => {
    const driver = new NodeDriver();
    driver.start();
    const unknown = { cpuCapacityCores: 0, memoryCapacityBytes: 0, pressure: null };
    expect(summaryOf(driver)).toMatchObject(unknown);
  });
});
