import { describe, expect, it } from "vitest";
import { ResumeTimes } from "../../../scripts/services/resume-times.ts";

describe("ResumeTimes", () => {
  it("counts from the host's word until the switch is seen to send requests", () => {
    const times = new ResumeTimes();
    times.told("n1", "resuming", 1_000);
    expect(times.isWaiting).toBe(true);
    times.told("n1", "running", 1_200);
    times.ready("n1", 1_300);
    times.ready("n1", 1_500);
    expect(times.isWaiting).toBe(false);
    expect(times.since(0)).toEqual([300]);
  });

  it("forgets one that did not come, and one that was ready before", () => {
    const times = new ResumeTimes();
    times.told("n1", "resuming", 1_000);
    times.told("n1", "discarding", 1_100);
    times.ready("n1", 9_000);
    times.ready("n2", 9_000);
    expect(times.since(0)).toEqual([]);
    expect(times.isWaiting).toBe(false);
  });

  it("tells apart those that came after a moment", () => {
    const times = new ResumeTimes();
    for (const atMs of [1_000, 5_000]) {
      times.told("n1", "resuming", atMs);
      times.ready("n1", atMs + 40);
      times.told("n1", "draining", atMs + 900);
    }
    expect(times.since(2_000)).toEqual([40]);
  });
});
