import { describe, expect, it } from "vitest";
import { proposal, settledDriver, specOf } from "../../support/node-driver.ts";

const mebibytes = 2 ** 20;

describe("buildParts()", () => {
  it.each([
    [0.9, "grants"],
    [0.2, "refuses"],
  ] as const)("lets guests fill %d of the memory, as the settings say: %s", (share, what) => {
    const driver = settledDriver({ settings: { memoryShareMax: share } });
    const spec = specOf("big", { memoryBytes: 1_024 * mebibytes });
    driver.receive("QmOther", proposal("big", { spec }));
    driver.wait(200);
    expect(driver.sends("refuse", driver.all)).toHaveLength(what === "refuses" ? 1 : 0);
    expect(driver.runs(driver.all)).toHaveLength(what === "grants" ? 1 : 0);
  });

  it("calls a host hot above what the settings say", () => {
    const reasonAt = (hotShare: number) => {
      const driver = settledDriver({ own: ["web"], cpuCores: 2, settings: { hotShare } });
      return driver.node.snapshot(driver.nowMs).plan.reason;
    };
    expect(reasonAt(0.4)).toMatch(/^hot: .*hot above 40 %/);
    expect(reasonAt(0.9)).toMatch(/^above the others/);
  });
});
