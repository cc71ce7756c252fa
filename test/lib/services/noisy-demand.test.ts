import { beforeEach, describe, expect, it } from "vitest";
import { NoisyDemand } from "#lib/services/noisy-demand.ts";

describe("NoisyDemand", () => {
  let noisy = new NoisyDemand();
  const demand = (sessions: number, nowMs: number, running = 1) =>
    noisy.demand({ sessions, perMember: 10 }, running, nowMs);

  beforeEach(() => {
    noisy = new NoisyDemand();
  });

  it("believes at once what exceeds those that run by more than chance", () => {
    expect(demand(5, 0)).toBe(0.5);
    // Two roots of 20 above 10, and of 18 not.
    expect(demand(20, 1_000)).toBe(2);
    expect(demand(18, 2_000)).toBeCloseTo(43 / 30);
    expect(demand(20, 3_000, 2)).toBeCloseTo(63 / 40);
  });

  it("takes the mean of the last five seconds for the rest, and never more than there is", () => {
    for (let nowMs = 0; nowMs < 5_000; nowMs += 1_000) demand(5, nowMs);
    expect(demand(15, 5_000)).toBeCloseTo(0.7);
    expect(demand(3, 6_000)).toBe(0.3);
    expect(demand(15, 60_000)).toBe(1.5);
  });

  it("counts looks in close succession once", () => {
    for (let nowMs = 0; nowMs < 1_000; nowMs += 100) demand(5, nowMs);
    // One of each half second, and this one.
    expect(demand(11, 1_000)).toBeCloseTo(21 / 30);
  });
});
