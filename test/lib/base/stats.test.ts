import { expect, test } from "vitest";
import { mean, median, populationSd, quantile } from "#lib/base/stats.ts";

test("mean() and populationSd() of known lists", () => {
  expect(mean([])).toBe(0);
  expect(mean([1, 2, 6])).toBe(3);
  expect(populationSd([])).toBe(0);
  expect(populationSd([2, 4, 4, 4, 5, 5, 7, 9])).toBe(2);
});

test("quantile() takes the nearest rank", () => {
  const values = [50, 15, 20, 40, 35];
  expect(quantile(values, 0)).toBe(15);
  expect(quantile(values, 0.3)).toBe(20);
  expect(quantile(values, 0.5)).toBe(35);
  expect(quantile(values, 1)).toBe(50);
  expect(quantile([], 0.5)).toBeNaN();
});

test("median() of odd and even counts", () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 3, 2])).toBe(2.5);
  expect(median([])).toBeNaN();
});
