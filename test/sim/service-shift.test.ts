/** Shifts: a hot host's member is resumed elsewhere and suspended there, once, and never below min. */
import { describe, expect, it } from "vitest";
import { burden, runningOf, shiftWorld, watched } from "../support/shift-world.ts";

const seeds = [1, 2, 3];
/** From the load to the member's image on the disk: k of n samples, a look, a resume, a drain. */
const shiftedMsMax = 30_000;

describe("a hot host's member", () => {
  it.each(seeds)("is shifted once, within seconds, and stays there (seed %i)", (seed) => {
    const setting = shiftWorld(seed, {
      hosts: 4,
      services: { web: { running: { min: 1, max: 4 } } },
      noiseShare: 0.1,
    });
    const { world, shifts } = setting;
    const [from = ""] = runningOf(world, "web");
    expect(shifts.asked).toEqual([]);
    burden(setting, from, 3.8);
    const isShifted = () => !runningOf(world, "web").includes(from);
    const shift = watched(world, "web", { until: isShifted, limitMs: shiftedMsMax });
    expect(shift.reached).toBe(true);
    expect(shift.least).toBeGreaterThanOrEqual(1);
    const later = watched(world, "web", { until: () => false, limitMs: 300_000 });
    expect(later.places).toHaveLength(1);
    expect(shifts.asked).toHaveLength(1);
    world.settle(10_000);
  });
});
