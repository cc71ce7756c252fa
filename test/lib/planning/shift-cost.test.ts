import { expect, test } from "vitest";
import { costOf } from "#lib/planning/action-cost.ts";
import { defaultPlanningParams as params } from "#lib/planning/params.ts";
import { scaleOf } from "#lib/planning/potential.ts";
import { type ShiftedMember, shiftCost } from "#lib/planning/shift-cost.ts";
import { hostFigures } from "../../support/planning-figures.ts";

const MIB = 2 ** 20;
const GIB = 2 ** 30;
const from = hostFigures("node-a", { memoryCapacityBytes: 96 * GIB, memoryBytes: 48 * GIB });
const options = { scale: scaleOf([from]), weights: params.weights, params };

function member(bytes: number, drainMs = 30_000): ShiftedMember {
  return { load: { residentBytes: bytes }, memoryBytes: bytes, drainMs };
}

test("shiftCost() is the disk's work at both ends and the memory taken twice", () => {
  const bytes = 2 * GIB;
  const diskMs = (bytes / params.diskBytesPerSecond) * 1000;
  const share = bytes / (96 * GIB);
  const memoryTwice = share * (2 * 0.5 - share);
  const expected = params.transferBurden * diskMs + memoryTwice * (2 * diskMs + 30_000);
  expect(shiftCost(member(bytes), from, options)).toBeCloseTo(expected / params.horizonMs, 10);
});

test("shiftCost() is far less than a live move's for a usual member", () => {
  const load = {
    cpuCores: 1,
    residentBytes: 256 * MIB,
    dirtyBytesPerSecond: null,
    networkBytesPerSecond: null,
  };
  const cost = shiftCost(member(256 * MIB), from, options);
  expect(cost).toBeCloseTo(0.0001, 4);
  expect(costOf(load, params)).toBeCloseTo(0.0006, 4);
});

test("shiftCost() grows with memory, drain limit and how full the host is, and has a limit", () => {
  const cost = (bytes: number, drainMs?: number) =>
    shiftCost(member(bytes, drainMs), from, options);
  expect(cost(0)).toBe(0);
  expect(cost(2 * GIB)).toBeGreaterThan(cost(GIB));
  expect(cost(GIB, 600_000)).toBeGreaterThan(cost(GIB));
  const full = { ...from, memoryBytes: 90 * GIB };
  expect(shiftCost(member(GIB), full, options)).toBeGreaterThan(cost(GIB));
  const diskMost = (params.transferBurden * params.transferMsMax) / params.horizonMs;
  expect(shiftCost({ ...member(0), load: { residentBytes: 1e18 } }, from, options)).toBe(diskMost);
});
