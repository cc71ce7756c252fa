import { expect, test } from "vitest";
import type { ClusterModel } from "#lib/simulation/cluster-model.ts";
import { excessOf, optimumOf } from "../../../scripts/plans/optimum.ts";
import { modelHost, modelVm } from "../../support/cluster-models.ts";

const hosts = ["a", "b"].map((name) => modelHost(name, { cpuCapacityCores: 10 }));
const model = (loads: readonly number[]): ClusterModel => ({
  hosts,
  vms: loads.map((cpuCores, index) => modelVm(`vm${index}`, "a", { cpuCores })),
});

test("excessOf() is the sum of squared distances from the mean utilisation", () => {
  // .8 and 0: .4 from the mean each.
  expect(excessOf(model([5, 3]))).toBeCloseTo(0.32);
  expect(excessOf(model([5, 3]), new Map([["vm1", "b"]]))).toBeCloseTo(0.02);
});

test("optimumOf() finds the pair that no single best move leads to", async () => {
  // Even halves are 3 + 3 and 2 + 2 + 2: the best first move of all is 3, and then no other.
  const best = await optimumOf(model([2, 2, 3, 3, 2]), { movesMax: 2, secondsMax: 20 });
  expect(best.excess).toBeCloseTo(0, 5);
  expect(best.moves).toBe(2);
});

test("optimumOf() makes no more moves than it may", async () => {
  const best = await optimumOf(model([2, 2, 2, 2]), { movesMax: 1, secondsMax: 20 });
  expect(best.moves).toBe(1);
  // .6 and .2: .2 from the mean each.
  expect(best.excess).toBeCloseTo(0.08, 4);
  expect(best.excessBound).toBeLessThanOrEqual(best.excess + 1e-6);
  expect(best.excessBound).toBeGreaterThan(0.07);
});
