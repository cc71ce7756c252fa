/** The bench of services among many hosts, small: all checkers of the random hunt look on. */
import { expect, it } from "vitest";
import { ServiceScaleRun } from "../../../scripts/scale/service-run.ts";
import { StewardMeter } from "../../../scripts/scale/steward-meter.ts";

it("ServiceScaleRun has all crowds absorbed within seconds, and nothing violated", () => {
  const said: string[] = [];
  const meter = new StewardMeter();
  const uninstall = meter.install();
  try {
    const run = new ServiceScaleRun(
      {
        ...{ hosts: 12, services: 6, staged: 6, switches: 2, crowds: 3, seed: 1 },
        say: (line) => said.push(line),
      },
      meter,
    ).run();
    expect(run.violations).toEqual([]);
    expect(run.stagedSeconds).toBeLessThan(60);
    expect(run.absorbedSeconds).toHaveLength(3);
    for (const seconds of run.absorbedSeconds) expect(seconds ?? 60).toBeLessThan(10);
    // Four more members each.
    expect(run.crowd.stewards.grants).toBeGreaterThanOrEqual(12);
    expect(run.calm.stewards.decisions).toBeGreaterThan(0);
    expect(said).toHaveLength(6);
  } finally {
    uninstall();
  }
});
