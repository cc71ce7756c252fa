import { describe, expect, it } from "vitest";
import type { LoadSecond } from "../../../scripts/load/load-seconds.ts";
import { secondsToRecover, servingRange } from "../../../scripts/services/crowd-figures.ts";

const crowd = { fromMs: 2_000, targetMs: 500 };

function seconds(...p99s: readonly (number | null)[]): readonly LoadSecond[] {
  return p99s.map((p99Ms, second) => {
    return { second, requests: 9, ok: 9, lost: 0, p50Ms: p99Ms, p99Ms, maxMs: p99Ms };
  });
}

describe("secondsToRecover", () => {
  it("is nought when no second of the crowd was slow", () => {
    expect(secondsToRecover(seconds(900, 200, 300, 500, 200), crowd)).toBe(0);
  });

  it("counts from the crowd's begin to the first of five good seconds", () => {
    expect(secondsToRecover(seconds(1, 1, 1, 800, 900, 1, 1, 1, 1, 1), crowd)).toBe(3);
  });

  it("passes over a lull that does not last", () => {
    expect(secondsToRecover(seconds(1, 1, 800, 1, 1, 800, 1, null, 1, 1, 1), crowd)).toBe(4);
  });

  it("takes a lull for good where one second is enough", () => {
    const lulled = seconds(1, 1, 800, 1, 1, 800, 1);
    expect(secondsToRecover(lulled, { ...crowd, goodSeconds: 1 })).toBe(1);
  });

  it("is null while it has not been good for long enough", () => {
    expect(secondsToRecover(seconds(1, 1, 800, 1, 1, 1), crowd)).toBeNull();
  });

  it("counts from a crowd that came in the middle of a second", () => {
    const late = { fromMs: 2_500, targetMs: 500 };
    expect(secondsToRecover(seconds(1, 1, 800, 1, 1, 1, 1, 1), late)).toBe(0.5);
  });
});

describe("servingRange", () => {
  const serving = [
    { atMs: 100, count: 0 },
    { atMs: 900, count: 1 },
    { atMs: 5_000, count: 3 },
    { atMs: 9_000, count: 2 },
  ];

  it("begins with those that served at that moment", () => {
    expect(servingRange(serving, 1_000)).toEqual({ min: 1, max: 3 });
    expect(servingRange(serving, 9_500)).toEqual({ min: 2, max: 2 });
  });

  it("is null where nobody looked", () => {
    expect(servingRange([], 0)).toBeNull();
  });
});
