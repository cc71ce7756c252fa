import { expect, test } from "vitest";
import { LoadEstimate } from "#lib/planning/load-estimate.ts";

const load = (
  cpuCores: number,
  residentBytes = 100,
  dirtyBytesPerSecond: number | null = null,
  networkBytesPerSecond: number | null = null,
) => ({
  cpuCores,
  residentBytes,
  dirtyBytesPerSecond,
  networkBytesPerSecond,
});

test("LoadEstimate.value() is null until the CPU figure has settled", () => {
  const estimate = new LoadEstimate();
  estimate.observe(load(1), 1000);
  estimate.observe(load(2), 2000);
  expect(estimate.value()).toBeNull();
  estimate.observe(load(3, 150), 3000);
  expect(estimate.value()).toEqual(load(2, 150, null));
});

test("LoadEstimate smooths traffic, and takes it over from the VM's last host", () => {
  const estimate = new LoadEstimate();
  estimate.seed(load(1, 100, null, 50), 0);
  expect(estimate.value()?.networkBytesPerSecond).toBe(50);
  estimate.observe(load(1, 100, null, 90), 1000);
  const traffic = estimate.value()?.networkBytesPerSecond ?? 0;
  expect(traffic).toBeGreaterThan(50);
  expect(traffic).toBeLessThan(60);
});

test("LoadEstimate keeps an unknown dirty rate unknown, and smooths a known one", () => {
  const estimate = new LoadEstimate();
  for (let second = 1; second <= 3; second++) {
    estimate.observe(load(1, 100, second * 10), second * 1000);
  }
  expect(estimate.value()?.dirtyBytesPerSecond).toBeCloseTo(20);
  estimate.observe(load(1, 100, null), 4000);
  expect(estimate.value()?.dirtyBytesPerSecond).toBeCloseTo(20);
});

test("LoadEstimate.seed() makes a VM that has just come in known at once", () => {
  const estimate = new LoadEstimate();
  estimate.seed(load(2, 300, 40), 1000);
  expect(estimate.value()).toEqual(load(2, 300, 40));
});

test("LoadEstimate.cpuNoiseShare waits for enough samples of its own", () => {
  const estimate = new LoadEstimate();
  estimate.seed(load(1), 0);
  expect(estimate.cpuNoiseShare).toBeUndefined();
  for (let second = 1; second <= 60; second++) {
    estimate.observe(load(second % 2 ? 1.2 : 0.8), second * 1000);
  }
  expect(estimate.cpuNoiseShare).toBeCloseTo(0.2, 1);
});

test("LoadEstimate.newest is the last sample, and young until there are enough to act on", () => {
  const estimate = new LoadEstimate();
  expect([estimate.newest, estimate.isYoung]).toEqual([null, false]);
  estimate.observe(load(1), 1000);
  estimate.observe(load(5), 2000);
  expect([estimate.newest, estimate.isYoung]).toEqual([load(5), true]);
  estimate.observe(load(1), 3000);
  expect([estimate.newest, estimate.isYoung]).toEqual([load(1), false]);
});
