import { describe, expect, it } from "vitest";
import { mayRestage } from "#lib/services/unhealthy.ts";
import { memberEntry } from "../../support/service-fixture.ts";

const params = { unhealthyMsMax: 30_000 };
const runs = memberEntry("a", { state: "running" });
const fails = memberEntry("b", { state: "running", healthy: false });
const sleeps = memberEntry("c", { state: "suspended" });
const gone = memberEntry("d", { state: "stale" });

describe("mayRestage()", () => {
  it.each([
    { of: "has not failed for long", min: 1, unhealthyMs: 29_999, others: [runs], may: false },
    { of: "has another that serves", min: 1, unhealthyMs: 30_000, others: [runs], may: true },
    { of: "is alone", min: 1, unhealthyMs: 30_000, others: [], may: false },
    { of: "is alone, and none need run", min: 0, unhealthyMs: 30_000, others: [], may: false },
    { of: "has others that only sleep", min: 1, unhealthyMs: 30_000, others: [sleeps], may: false },
    {
      of: "fails like all others",
      min: 1,
      unhealthyMs: 30_000,
      others: [fails, fails],
      may: false,
    },
    {
      of: "leaves fewer than min, and one could stand in",
      min: 2,
      unhealthyMs: 30_000,
      others: [runs, sleeps],
      may: false,
    },
    {
      of: "leaves fewer than min, and one fails too",
      min: 2,
      unhealthyMs: 30_000,
      others: [runs, fails],
      may: false,
    },
    {
      of: "leaves fewer than min, and nobody could stand in",
      min: 2,
      unhealthyMs: 30_000,
      others: [runs, gone],
      may: true,
    },
    { of: "leaves min", min: 2, unhealthyMs: 30_000, others: [runs, runs, fails], may: true },
  ])("of one that $of", ({ min, may, ...facts }) => {
    expect(mayRestage({ running: { min, max: 3 } }, facts, params)).toBe(may);
  });
});
