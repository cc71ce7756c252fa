import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Prng } from "#lib/base/prng.ts";
import type { PlanProblem } from "#lib/planning/plan-problem.ts";
import { PlanSheet } from "#lib/planning/plan-sheet.ts";
import { anyProblem, costOf, displaced, place, planVm } from "../../support/plan-problems.ts";

function sheetOf(problem: PlanProblem, level = 0): PlanSheet {
  return new PlanSheet(problem, level);
}

/** Changes that are allowed, drawn at random; calls `made` with what each was said to win. */
function scribble(sheet: PlanSheet, seed: number, made: (gain: number) => void): void {
  const prng = new Prng(seed);
  for (let step = 0; step < 20; step++) {
    const [a, b] = [prng.nextInt(sheet.vms), prng.nextInt(sheet.vms)];
    const to = prng.nextInt(sheet.places);
    const isExchange = step % 2 === 1 && sheet.at[a] !== sheet.at[b];
    const gain = isExchange ? sheet.exchangeGain(a, b) : sheet.relocateGain(a, to);
    if (gain === Number.NEGATIVE_INFINITY) continue;
    if (isExchange) sheet.exchange(a, b);
    else sheet.relocate(a, to);
    made(gain);
  }
}

const problems = anyProblem().filter(({ places, vms }) => places.length > 0 && vms.length > 0);

describe("PlanSheet", () => {
  it("says exactly what each change wins, and counts who stands elsewhere", () => {
    fc.assert(
      fc.property(problems, fc.nat(), (problem, seed) => {
        const sheet = sheetOf(problem);
        let cost = costOf(problem, [...sheet.at]);
        scribble(sheet, seed, (gain) => {
          expect(costOf(problem, [...sheet.at])).toBeCloseTo(cost - gain, 9);
          cost -= gain;
          expect(sheet.displaced).toBe(displaced(problem, Array.from(sheet.at)).length);
        });
      }),
    );
  });

  it("knows each VM's best relocation after any changes", () => {
    fc.assert(
      fc.property(problems, fc.nat(), (problem, seed) => {
        const sheet = sheetOf(problem);
        scribble(sheet, seed, () => undefined);
        for (let vm = 0; vm < sheet.vms; vm++) {
          const [best, to] = [sheet.bestGain[vm] as number, sheet.bestPlace[vm] as number];
          const gains = problem.places.map((_, place) => sheet.relocateGain(vm, place));
          expect(best).toBeCloseTo(Math.max(0, ...gains), 9);
          if (to >= 0) expect(gains[to]).toBeCloseTo(best, 9);
        }
      }),
    );
  });

  it("comes back to what was marked", () => {
    const sheet = sheetOf({
      places: [place([0.8, 0.2]), place([0.1, 0.1])],
      vms: [planVm(0, [0.3, 0.1]), planVm(0, [0.4, 0.1]), planVm(1, [0.1, 0.1])],
      guard: 1,
    });
    sheet.relocate(0, 1);
    const mark = sheet.newMark();
    const gain = sheet.relocateGain(1, 1);
    sheet.relocate(1, 1);
    sheet.exchange(2, 0);
    expect([...sheet.at]).not.toEqual([1, 0, 1]);
    sheet.comeBack(mark);
    expect([...sheet.at]).toEqual([1, 0, 1]);
    expect(sheet.displaced).toBe(1);
    expect(sheet.relocateGain(1, 1)).toBe(gain);
  });

  it("displaces nothing for less than the level", () => {
    const problem: PlanProblem = {
      places: [place([0.8, 0]), place([0, 0])],
      vms: [planVm(0, [0.4, 0])],
      guard: 1,
    };
    expect(sheetOf(problem).relocateGain(0, 1)).toBeCloseTo(0.32 - 0.001);
    expect(sheetOf(problem, 0.1).relocateGain(0, 1)).toBeCloseTo(0.32 - 0.1);
  });
});
