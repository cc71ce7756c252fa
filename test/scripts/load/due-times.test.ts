import { describe, expect, it } from "vitest";
import { DueTimes } from "../../../scripts/load/due-times.ts";

function first(count: number, rateAt: (ms: number) => number): readonly number[] {
  const due = new DueTimes(rateAt);
  return Array.from({ length: count }, () => Math.round(due.next()));
}

describe("DueTimes", () => {
  it("spaces a steady rate evenly", () => {
    expect(first(4, () => 20)).toEqual([50, 100, 150, 200]);
  });

  it("comes to the area under a ramp", () => {
    const due = new DueTimes((ms) => (ms < 10_000 ? ms / 100 : 0));
    let count = 0;
    while (due.next() < 10_000) count += 1;
    expect(Math.abs(count - 500)).toBeLessThanOrEqual(2);
  });

  it("follows a leap at once", () => {
    const due = first(6, (ms) => (ms < 1_000 ? 2 : 100));
    expect(due.slice(0, 2)).toEqual([500, 1_000]);
    expect(due.slice(2)).toEqual([1_010, 1_020, 1_030, 1_040]);
  });

  it("goes on after a pause and ends with the plan", () => {
    const due = first(3, (ms) => (ms < 100 || (ms >= 5_000 && ms < 5_010) ? 100 : 0));
    expect(due.slice(0, 2)).toEqual([10, 20]);
    const all = new DueTimes((ms) => (ms < 100 ? 100 : 0));
    const times = Array.from({ length: 30 }, () => all.next());
    expect(times.at(-1)).toBe(Number.POSITIVE_INFINITY);
  });
});
