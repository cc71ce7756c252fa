import { describe, expect, it } from "vitest";
import { settledDriver } from "../../support/node-driver.ts";

describe("takeSnapshot()", () => {
  it("shows a VM that two hosts show running, once gossip has had its time", () => {
    const driver = settledDriver({ own: ["web"] });
    driver.hear("QmOther", { name: "other" }, ["web"]);
    driver.wait(5_000);
    expect(driver.node.snapshot(driver.nowMs).alarms).toEqual([]);
    driver.wait(10_000);
    const { alarms, vms } = driver.node.snapshot(driver.nowMs);
    expect(alarms).toMatchObject([
      { code: "duplicate", message: "web is shown running on other and self" },
    ]);
    expect(vms).toMatchObject([{ name: "web", version: 7, hostName: "self" }]);
  });

  it("counts no dead host's word for a duplicate, and shows its VMs as remembered", () => {
    const driver = settledDriver({ own: ["web"] });
    driver.hear("QmOther", { name: "other" }, ["web", "db"]);
    driver.mute("QmOther");
    driver.wait(60_000);
    const { alarms, vms, members } = driver.node.snapshot(driver.nowMs);
    expect(alarms).toEqual([]);
    expect(vms).toMatchObject([{ name: "db", hostState: "dead" }, { name: "web" }]);
    expect(members.map(({ name, state }) => [name, state])).toEqual([
      ["other", "dead"],
      ["self", "alive"],
    ]);
  });
});
