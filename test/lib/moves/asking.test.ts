import { describe, expect, it } from "vitest";
import { Asking } from "#lib/moves/asking.ts";
import { defaultMoveParams } from "#lib/moves/params.ts";

const params = { ...defaultMoveParams, askMsMin: 500, askMsMax: 2_000 };

function dueTimes(asking: Asking, untilMs: number): number[] {
  const times: number[] = [];
  for (let at = asking.nextMs; at !== undefined && at <= untilMs; at = asking.nextMs) {
    expect(asking.due(at)).toBe(true);
    times.push(at);
  }
  return times;
}

describe("Asking", () => {
  it("asks nothing until it begins, and counts no silence", () => {
    const asking = new Asking(params);
    expect(asking.nextMs).toBeUndefined();
    expect(asking.due(1_000_000)).toBe(false);
    asking.heard(500);
    expect(asking.silentMs(1_000_000)).toBe(0);
  });

  it("doubles its pauses up to a bound", () => {
    const asking = new Asking(params);
    asking.begin(1_000, 100);
    expect(asking.due(1_099)).toBe(false);
    expect(dueTimes(asking, 8_000)).toEqual([1_100, 1_600, 2_600, 4_600, 6_600]);
  });

  it("asks once, however late it is", () => {
    const asking = new Asking(params);
    asking.begin(0, 0);
    expect(asking.due(60_000)).toBe(true);
    expect(asking.due(60_000)).toBe(false);
    expect(asking.nextMs).toBe(60_500);
  });

  it("begins anew with the shortest pause, and doubt starts over", () => {
    const asking = new Asking(params);
    asking.begin(0, 0);
    dueTimes(asking, 10_000);
    asking.begin(10_000, 0);
    expect(asking.silentMs(10_400)).toBe(400);
    expect(dueTimes(asking, 11_500)).toEqual([10_000, 10_500, 11_500]);
  });

  it("asks again without a new start: pauses and doubt go on", () => {
    const asking = new Asking(params);
    asking.again(0, 300);
    expect(dueTimes(asking, 1_800)).toEqual([300, 800, 1_800]);
    asking.again(1_800, 0);
    expect(asking.nextMs).toBe(3_800);
    expect(asking.silentMs(1_800)).toBe(1_800);
  });

  it("starts doubt over when the other end is heard, and keeps its pauses", () => {
    const asking = new Asking(params);
    asking.begin(0, 0);
    dueTimes(asking, 1_500);
    const next = asking.nextMs;
    asking.heard(1_600);
    expect(asking.silentMs(2_000)).toBe(400);
    expect(asking.nextMs).toBe(next);
  });

  it("stops", () => {
    const asking = new Asking(params);
    asking.begin(0, 0);
    asking.stop();
    expect(asking.nextMs).toBeUndefined();
    expect(asking.due(9_000)).toBe(false);
    expect(asking.silentMs(9_000)).toBe(0);
  });
});
