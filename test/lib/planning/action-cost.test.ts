import { expect, test } from "vitest";
import { costOf, transferMs } from "#lib/planning/action-cost.ts";
import { defaultPlanningParams as params } from "#lib/planning/params.ts";

const GIB = 2 ** 30;
const link = { linkBytesPerSecond: 100_000_000, transferMsMax: 600_000 };

test.each([
  { name: "a quiet guest goes at the speed of the link", dirty: 0, expected: 10_000 },
  { name: "an unknown dirty rate counts as none", dirty: null, expected: 10_000 },
  { name: "half the link spent on dirty pages doubles it", dirty: 50e6, expected: 20_000 },
  { name: "a guest that dirties faster than the link is throttled", dirty: 1e9, expected: 50_000 },
])("transferMs(): $name", ({ dirty, expected }) => {
  const load = {
    cpuCores: 1,
    residentBytes: 1e9,
    dirtyBytesPerSecond: dirty,
    networkBytesPerSecond: null,
  };
  expect(transferMs(load, link)).toBeCloseTo(expected);
});

test("transferMs() and costOf() count disks that are copied along like memory", () => {
  const load = {
    cpuCores: 1,
    residentBytes: 1e9,
    dirtyBytesPerSecond: null,
    networkBytesPerSecond: null,
  };
  const withDisk = { ...load, copiedBytes: 9e9 };
  expect(transferMs(withDisk, link)).toBeCloseTo(10 * transferMs(load, link));
  expect(costOf(withDisk, params)).toBeGreaterThan(costOf(load, params));
});

test("transferMs() never passes its limit", () => {
  const load = {
    cpuCores: 1,
    residentBytes: 1e15,
    dirtyBytesPerSecond: null,
    networkBytesPerSecond: null,
  };
  expect(transferMs(load, link)).toBe(600_000);
});

test("costOf() grows with memory and dirty rate, and is never nothing", () => {
  const cost = (residentBytes: number, dirtyBytesPerSecond: number | null = null) =>
    costOf(
      { cpuCores: 1, residentBytes, dirtyBytesPerSecond, networkBytesPerSecond: null },
      params,
    );
  expect(cost(0)).toBe(params.pauseCost);
  expect(cost(8 * GIB)).toBeGreaterThan(cost(4 * GIB));
  expect(cost(4 * GIB, 50e6)).toBeGreaterThan(cost(4 * GIB));
  expect(cost(4 * GIB)).toBeCloseTo(0.0027, 3);
});
