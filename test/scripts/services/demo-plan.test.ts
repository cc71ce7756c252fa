import { describe, expect, it } from "vitest";
import { CROWD_AT_MS, demoPlan, RatePlan } from "../../../scripts/services/demo-plan.ts";

describe("RatePlan", () => {
  const plan = new RatePlan([
    { ms: 1_000, perSecond: 10 },
    { ms: 2_000, perSecond: 50 },
    { ms: 500, perSecond: 50 },
  ]);

  it("begins at its first rate, goes evenly to the next and stays at the last", () => {
    expect([0, 999, 1_000, 2_000, 3_000, 3_400, 9_999].map((ms) => plan.rateAt(ms))).toEqual([
      10, 10, 10, 30, 50, 50, 50,
    ]);
    expect(plan.totalMs).toBe(3_500);
  });

  it("of the demonstration asks for more than two members and less than three", () => {
    expect(demoPlan.rateAt(CROWD_AT_MS - 1)).toBe(8);
    expect(demoPlan.rateAt(CROWD_AT_MS + 10_000)).toBe(50);
    expect(demoPlan.rateAt(demoPlan.totalMs)).toBe(8);
  });
});
