import { describe, expect, it } from "vitest";
import { emptyLoad, settledDriver } from "../../support/node-driver.ts";

function reasonOf(driver: ReturnType<typeof settledDriver>): string {
  return driver.node.snapshot(driver.nowMs).plan.reason;
}

describe("ExplainDesk", () => {
  it("says that nobody else is there, and what holds the host back", () => {
    const driver = settledDriver({ own: ["web"] });
    driver.mute("QmOther");
    driver.sample(20, { web: 0.5 });
    expect(reasonOf(driver)).toBe(
      "no other live host with known figures; the cluster is on hold ('evenkeel act' lets it act)",
    );
  });

  it("says without a key that it only advises, and what it would do", () => {
    const driver = settledDriver({ own: ["web", "db"], keyed: false, cpuCores: 1.5 });
    const { plan } = driver.node.snapshot(driver.nowMs);
    expect(plan.moves[0]).toMatchObject({ from: driver.self, to: "QmOther" });
    expect(plan.reason).toMatch(/above the others: .* without a cluster key .* only advises$/);
  });

  it("says that a host is level with its figures", () => {
    const driver = settledDriver({ own: ["web"] });
    expect(reasonOf(driver)).toMatch(/^no reason to move anything off it: self is at 1[23] % CPU/);
  });

  it("says that a host drains", () => {
    const driver = settledDriver({ own: ["web"] });
    driver.ask({ verb: "drain", host: driver.self });
    driver.sample(1, { web: 0.5 });
    expect(reasonOf(driver)).toMatch(/^self is draining/);
  });

  it("explains each candidate with its words", () => {
    const driver = settledDriver({ own: ["web"] });
    driver.hear("QmOther", { name: "other", draining: true });
    const data = JSON.parse(driver.ask({ verb: "explain", vm: "web" })?.data ?? "");
    expect(data.candidates).toMatchObject([{ toName: "other", refusal: "other is draining" }]);
  });

  it("prices a move by the link that the balancer goes by", () => {
    const costBy = (networkCapacityBytesPerSecond: number | null) => {
      const driver = settledDriver({ own: ["web"] });
      driver.sample(3, { web: 0.5 }, { ...emptyLoad, networkCapacityBytesPerSecond });
      const data = JSON.parse(driver.ask({ verb: "explain", vm: "web" })?.data ?? "");
      return data.candidates[0].cost;
    };
    expect(costBy(1e6)).toBeGreaterThan(costBy(null));
    expect(costBy(1e9)).toBeLessThan(costBy(null));
  });
});
