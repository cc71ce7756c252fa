import { describe, expect, it } from "vitest";
import { Levelling } from "../../scripts/levelling/levelling.ts";
import type { Observation } from "../../scripts/levelling/observation.ts";

function look(atMs: number, cpuSd: number | null, isMoving = false): Observation {
  const move = {
    moveId: "m",
    vm: "web-1",
    role: "source" as const,
    from: "n1",
    to: "n2",
    phase: "transferring",
    ageMs: 0,
    inDoubt: false,
    progress: null,
  };
  return { atMs, cpuSd, hosts: [], movesUnderWay: isMoving ? [move] : [], outcomes: [] };
}

function begun(): Levelling {
  const levelling = new Levelling();
  for (const [index, cpuSd] of [0.9, 1.1].entries()) levelling.add(look(index, cpuSd));
  levelling.began(1_000);
  return levelling;
}

describe("Levelling", () => {
  it("takes the mean before the begin as the lopsided state", () => {
    expect(begun().cpuSdBefore).toBe(1);
  });

  it("is done when the spread was down and nothing moved for a while", () => {
    const levelling = begun();
    levelling.add(look(2_000, 0.8));
    levelling.add(look(5_000, 0.2));
    expect(levelling.isDone).toBe(false);
    levelling.add(look(15_000, 0.1));
    expect(levelling.isDone).toBe(true);
    expect(levelling.secondsToLevel).toBe(4);
    expect(levelling.cpuSdAfter).toBeCloseTo(0.15);
  });

  it("begins anew when the spread comes back or a guest moves once more", () => {
    const levelling = begun();
    levelling.add(look(5_000, 0.2));
    levelling.add(look(9_000, 0.5));
    levelling.add(look(15_000, 0.2));
    levelling.add(look(20_000, 0.2, true));
    expect(levelling.isDone).toBe(false);
    expect(levelling.secondsToLevel).toBeNull();
    expect(levelling.cpuSdAfter).toBeNull();
  });

  it("passes over looks in which a host's load is not known", () => {
    const levelling = begun();
    levelling.add(look(5_000, 0.2));
    levelling.add(look(9_000, null));
    levelling.add(look(15_000, 0.2));
    expect(levelling.isDone).toBe(true);
  });
});
