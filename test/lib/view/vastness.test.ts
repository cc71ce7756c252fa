import { describe, expect, it } from "vitest";
import { Vastness } from "#lib/view/vastness.ts";

function hear(vastness: Vastness, count: number, prefix = "host"): void {
  for (let index = 0; index < count; index += 1) vastness.heard(`${prefix}-${index}`);
}

describe("Vastness", () => {
  it("is none of as many as a member can remember, however often they are named", () => {
    for (const prefix of ["a", "b", "c", "SimHost", "12D3KooW"]) {
      const vastness = new Vastness(1_024);
      for (let times = 0; times < 3; times += 1) hear(vastness, 1_150, prefix);
      expect(vastness.isVast).toBe(false);
      hear(vastness, 1_450, prefix);
      expect(vastness.isVast).toBe(true);
    }
  });

  it("holds for a window after it showed last, and starts anew from those that are known", () => {
    const vastness = new Vastness(1_024);
    const known = Array.from({ length: 900 }, (_, index) => ({ host: `known-${index}` }));
    vastness.turn(known, 0);
    hear(vastness, 600);
    expect(vastness.isVast).toBe(true);
    vastness.turn(known, 600_000);
    hear(vastness, 200);
    vastness.turn(known, 1_199_999);
    expect(vastness.isVast).toBe(true);
    vastness.turn(known, 1_200_000);
    expect(vastness.isVast).toBe(false);
    hear(vastness, 600);
    expect(vastness.isVast).toBe(true);
  });
});
