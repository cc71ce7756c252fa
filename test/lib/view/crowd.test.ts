import { describe, expect, it } from "vitest";
import { Crowd } from "#lib/view/crowd.ts";

function hear(crowd: Crowd, count: number, prefix = "host"): void {
  for (let index = 0; index < count; index += 1) crowd.heard(`${prefix}-${index}`);
}

describe("Crowd", () => {
  it("is none of as many as a member can remember, however often they are named", () => {
    for (const prefix of ["a", "b", "c", "SimHost", "12D3KooW"]) {
      const crowd = new Crowd(1_024);
      for (let times = 0; times < 3; times += 1) hear(crowd, 1_150, prefix);
      expect(crowd.isCrowd).toBe(false);
      hear(crowd, 1_450, prefix);
      expect(crowd.isCrowd).toBe(true);
    }
  });

  it("holds for a window after it showed last, and starts anew from those that are known", () => {
    const crowd = new Crowd(1_024);
    const known = Array.from({ length: 900 }, (_, index) => ({ host: `known-${index}` }));
    crowd.turn(known, 0);
    hear(crowd, 600);
    expect(crowd.isCrowd).toBe(true);
    crowd.turn(known, 600_000);
    hear(crowd, 200);
    crowd.turn(known, 1_199_999);
    expect(crowd.isCrowd).toBe(true);
    crowd.turn(known, 1_200_000);
    expect(crowd.isCrowd).toBe(false);
    hear(crowd, 600);
    expect(crowd.isCrowd).toBe(true);
  });
});
