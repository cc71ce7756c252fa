import { describe, expect, it } from "vitest";
import { settledDriver } from "../../support/node-driver.ts";

describe("listCopies", () => {
  it("calls a guest lost when two lists in a row miss it, once", () => {
    const driver = settledDriver({ own: ["web"] });
    expect(driver.list({})).toContainEqual({ type: "relist" });
    expect(driver.notices("vm-lost")).toEqual([]);
    driver.list({});
    driver.list({});
    expect(driver.notices("vm-lost")).toHaveLength(1);
    const { vms, alarms } = driver.node.snapshot(driver.nowMs);
    expect(vms).toMatchObject([{ name: "web", state: "lost" }]);
    expect(alarms).toMatchObject([{ code: "lost" }]);
  });

  it("takes one list that misses it for a list that was read too early", () => {
    const driver = settledDriver({ own: ["web"] });
    for (let i = 0; i < 5; i++) {
      driver.list({});
      driver.list({ web: "running" });
    }
    expect(driver.notices("vm-lost")).toEqual([]);
  });

  it("calls a resumed guest lost that left nothing but its used-up image", () => {
    const driver = settledDriver({ own: ["web"] });
    driver.list({ web: "stale" });
    driver.list({ web: "stale" });
    expect(driver.notices("vm-lost")).toHaveLength(1);
    expect(driver.node.snapshot(driver.nowMs).vms).toMatchObject([{ state: "lost" }]);
  });

  it("calls no guest lost that should not run, or that is being stopped", () => {
    const driver = settledDriver({ own: ["web"] });
    driver.ask({ verb: "stop", vm: "web", force: false });
    driver.list({});
    driver.list({});
    driver.end("stop", null);
    driver.list({});
    driver.list({});
    expect(driver.notices("vm-lost")).toEqual([]);
    expect(driver.node.snapshot(driver.nowMs).vms).toMatchObject([{ state: "stopped" }]);
  });

  it("names a copy that no journal line explains, and leaves it alone", () => {
    const driver = settledDriver();
    driver.list({ ghost: "running", file: "suspended" });
    driver.list({ ghost: "running" });
    expect(driver.notices("stray-copy")).toMatchObject([{ facts: { vm: "ghost" } }]);
    expect(driver.runs(driver.all)).toEqual([]);
    expect(driver.node.snapshot(driver.nowMs).alarms).toMatchObject([{ code: "stray-copy" }]);
    driver.list({});
    expect(driver.node.snapshot(driver.nowMs).alarms).toEqual([]);
  });
});
