import fc from "fast-check";
import { expect, test } from "vitest";
import { Prng } from "#lib/base/prng.ts";
import { populationSd } from "#lib/base/stats.ts";
import { SmoothedFigure } from "#lib/planning/smoothed-figure.ts";

function feed(figure: SmoothedFigure, samples: readonly number[], fromMs = 0): number {
  samples.forEach((sample, i) => {
    figure.observe(sample, fromMs + (i + 1) * 1000);
  });
  return figure.value() ?? Number.NaN;
}

test("SmoothedFigure.value() is null until three samples, then their mean", () => {
  const figure = new SmoothedFigure();
  figure.observe(1, 1000);
  figure.observe(2, 2000);
  expect(figure.value()).toBeNull();
  figure.observe(6, 3000);
  expect(figure.value()).toBeCloseTo(3);
});

test("SmoothedFigure settles within five seconds of its first sample", () => {
  const prng = new Prng(1);
  const noisy = Array.from({ length: 5 }, () => 1 + 0.15 * (2 * prng.nextShare() - 1));
  expect(Math.abs(feed(new SmoothedFigure(), noisy) - 1)).toBeLessThan(0.1);
});

test("SmoothedFigure leaves a fifth of the noise at most", () => {
  const prng = new Prng(2);
  const figure = new SmoothedFigure();
  const values: number[] = [];
  const samples: number[] = [];
  for (let second = 1; second <= 2000; second++) {
    const sample = 1 + 0.5 * (2 * prng.nextShare() - 1);
    figure.observe(sample, second * 1000);
    samples.push(sample);
    if (second > 100) values.push(figure.value() ?? 0);
  }
  expect(populationSd(values)).toBeLessThan(populationSd(samples) / 5);
  // Not biased upwards by being faster up than down.
  expect(values.reduce((sum, value) => sum + value, 0) / values.length).toBeCloseTo(1, 1);
  expect(figure.noiseShare()).toBeCloseTo(0.25, 1);
});

test("SmoothedFigure hardly moves for one spike, and follows a rise that lasts", () => {
  const figure = new SmoothedFigure();
  feed(figure, new Array(60).fill(1));
  figure.observe(10, 61_000);
  expect(figure.value()).toBeLessThan(1.5);
  const risen = new SmoothedFigure();
  feed(risen, new Array(60).fill(1));
  // Quickly up to where the samples lie within `riseShare` of the figure; the rest is slow.
  expect(feed(risen, new Array(8).fill(3), 60_000)).toBeGreaterThan(2.4);
});

test("SmoothedFigure comes down slowly, and believes a fall within some minutes", () => {
  const figure = new SmoothedFigure();
  feed(figure, new Array(3600).fill(3));
  expect(feed(figure, new Array(60).fill(1), 3_600_000)).toBeGreaterThan(2.7);
  expect(feed(figure, new Array(540).fill(1), 3_660_000)).toBeLessThan(1.8);
  expect(feed(figure, new Array(1200).fill(1), 4_200_000)).toBeLessThan(1.2);
});

test("SmoothedFigure believes a fall the sooner the younger it is", () => {
  const figure = new SmoothedFigure();
  feed(figure, new Array(60).fill(3));
  expect(feed(figure, new Array(10).fill(1), 60_000)).toBeGreaterThan(2.5);
  expect(feed(figure, new Array(50).fill(1), 70_000)).toBeCloseTo(2);
});

test("SmoothedFigure.seed() counts at once and keeps its weight", () => {
  const figure = new SmoothedFigure();
  figure.seed(2, 5000);
  expect(figure.value()).toBe(2);
  figure.observe(4, 6000);
  expect(figure.value()).toBeLessThan(2.2);
});

test("SmoothedFigure ignores what is not a number, or not newer", () => {
  const figure = new SmoothedFigure();
  feed(figure, [1, 1, 1]);
  figure.observe(Number.NaN, 9000);
  figure.observe(Number.POSITIVE_INFINITY, 9000);
  figure.observe(100, 3000);
  expect(figure.value()).toBe(1);
});

test("SmoothedFigure never leaves the range of its samples, whatever the gaps", () => {
  const sample = fc.double({ min: 0, max: 100, noNaN: true });
  const gap = fc.double({ min: 0, max: 1e7, noNaN: true });
  fc.assert(
    fc.property(fc.array(fc.tuple(sample, gap), { minLength: 3 }), (list) => {
      const figure = new SmoothedFigure();
      let nowMs = 0;
      for (const [value, gapMs] of list) {
        nowMs += gapMs;
        figure.observe(value, nowMs);
      }
      const values = list.map(([value]) => value);
      const value = figure.value() ?? Math.min(...values);
      expect(value).toBeGreaterThanOrEqual(Math.min(...values) - 1e-9);
      expect(value).toBeLessThanOrEqual(Math.max(...values) + 1e-9);
    }),
  );
});
