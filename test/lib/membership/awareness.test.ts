import { describe, expect, it } from "vitest";
import { Awareness } from "#lib/membership/awareness.ts";

describe("Awareness", () => {
  it("changes no time while healthy", () => {
    const awareness = new Awareness(8);
    expect(awareness.scaleProbe(500)).toBe(500);
    expect(awareness.scaleSuspicion(2000)).toBe(2000);
  });

  it("gives more time with each step, and never leaves its bounds", () => {
    const awareness = new Awareness(8);
    awareness.raise(2);
    expect(awareness.scaleProbe(500)).toBe(1000);
    expect(awareness.scaleSuspicion(2000)).toBe(3000);
    awareness.raise(20);
    expect(awareness.score).toBe(8);
    for (let i = 0; i < 20; i++) awareness.lower();
    expect(awareness.score).toBe(0);
  });
});
