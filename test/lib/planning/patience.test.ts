import fc from "fast-check";
import { expect, test } from "vitest";
import { extremesOf } from "#lib/planning/extremes.ts";
import { Patience, reachableGain } from "#lib/planning/patience.ts";
import type { VmFigures } from "#lib/planning/vm-figures.ts";
import { hostFigures, vmFigures } from "../../support/planning-figures.ts";

const GIB = 2 ** 30;
const halfLifeMs = 40_000;
const weights = { cpu: 1, memory: 1, network: 0.5 };
const scale = { cpuCores: 10, memoryBytes: 100 * GIB, networkBytesPerSecond: 1e9 };

/** Levels of looks a second apart, for as long as `reachable` has values. */
function levels(reachable: readonly number[], startShare = 0.6): number[] {
  const patience = new Patience(startShare);
  return reachable.map((reachableGain, second) =>
    patience.level({ reachableGain, halfLifeMs, nowMs: second * 1000 }),
  );
}

test("Patience starts at its share of the reachable gain", () => {
  expect(levels([0.2])).toEqual([0.12]);
  expect(levels([0.2], 1)).toEqual([0.2]);
  expect(levels([0.2], 0)).toEqual([0]);
});

test("Patience halves in the half-life, look by look", () => {
  const found = levels(new Array(81).fill(0.2));
  expect(found[40]).toBeGreaterThan(0.5 * 0.12);
  expect(found[40]).toBeLessThan(0.51 * 0.12);
  expect(found[80]).toBeLessThan(0.26 * 0.12);
  for (const [at, level] of found.entries()) {
    if (at > 0) expect(level).toBeLessThan(found[at - 1] as number);
  }
});

test("Patience does not fall with the number of looks, only with time", () => {
  const often = new Patience(0.6);
  const seldom = new Patience(0.6);
  const reachable = { reachableGain: 0.2, halfLifeMs };
  for (let nowMs = 0; nowMs <= 40_000; nowMs += 100) often.level({ ...reachable, nowMs });
  for (let nowMs = 0; nowMs <= 40_000; nowMs += 2000) seldom.level({ ...reachable, nowMs });
  const at = { ...reachable, nowMs: 40_000 };
  expect(often.level(at) / seldom.level(at)).toBeGreaterThan(0.97);
  expect(often.level(at)).toBe(often.level(at));
});

test("Patience begins anew at a new imbalance, more than twice what could be won before", () => {
  const [first, second, again] = levels([0.2, 0.2, 0.41]);
  expect(second).toBeLessThan(first as number);
  expect(again).toBeCloseTo(0.6 * 0.41, 12);
  const [, , same] = levels([0.2, 0.2, 0.4]);
  expect(same).toBeLessThan(second as number);
});

test("Patience is gone where nothing can be won, and comes back with the next imbalance", () => {
  expect(levels([0, 0.2, 0, 0.1])).toEqual([0, 0.12, 0, 0.06]);
});

test("Patience is never above its start, nor below nothing, whatever comes", () => {
  const look = fc.record({
    reachableGain: fc.double({ min: 0, max: 2, noNaN: true }),
    halfLifeMs: fc.integer({ min: 1, max: 1e7 }),
    afterMs: fc.integer({ min: 0, max: 1e7 }),
  });
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1, noNaN: true }), fc.array(look), (share, looks) => {
      const patience = new Patience(share);
      let nowMs = 0;
      let before = Infinity;
      let reachable = 0;
      for (const { afterMs, ...one } of looks) {
        nowMs += afterMs;
        const level = patience.level({ ...one, nowMs });
        expect(level).toBeLessThanOrEqual(share * one.reachableGain);
        expect(level).toBeGreaterThanOrEqual(0);
        // It rises at a new imbalance only.
        if (one.reachableGain <= 2 * reachable) expect(level).toBeLessThanOrEqual(before);
        before = level;
        reachable = one.reachableGain;
      }
    }),
  );
});

test("reachableGain() hopes for nothing from VMs that stay where they are by their rules", () => {
  const extremes = extremesOf([hostFigures("a", { cpuCores: 8 }), hostFigures("b")]);
  const small = vmFigures("small", { cpuCores: 1 });
  const large = vmFigures("large", { cpuCores: 4 });
  const gain = (...vms: readonly VmFigures[]) => reachableGain(extremes, vms, { scale, weights });
  expect(gain(small, large)).toBeGreaterThan(gain(small));
  for (const rule of [{ pin: "a" }, { ignore: true }, { managed: false as const }]) {
    expect(gain(small, { ...large, policy: { ...large.policy, ...rule } })).toBe(gain(small));
  }
});

test("reachableGain() is what the largest VM here wins from the most to the least utilised", () => {
  const hosts = [hostFigures("a", { cpuCores: 8 }), hostFigures("b", { cpuCores: 2 })];
  const gain = (cpuCores: number) =>
    reachableGain(extremesOf(hosts), [vmFigures("web", { cpuCores, memoryBytes: 0 })], {
      scale,
      weights,
    });
  // 0.64 + 0.04 before, 0.49 + 0.09 after.
  expect(gain(1)).toBeCloseTo(0.1, 12);
  // More than half the gap wins no more than half: 0.25 + 0.25 after.
  expect(gain(3)).toBeCloseTo(0.18, 12);
  expect(gain(6)).toBeCloseTo(0.18, 12);
  expect(gain(0)).toBe(0);
});

test("reachableGain() adds the resources up, each with its weight", () => {
  const hosts = [
    hostFigures("a", { memoryBytes: 80 * GIB, networkBytesPerSecond: 8e8 }),
    hostFigures("b", { memoryBytes: 20 * GIB }),
  ].map((host) => ({ ...host, networkCapacityBytesPerSecond: 1e9 }));
  const web = vmFigures("web", { cpuCores: 0, memoryBytes: 10 * GIB, networkBytesPerSecond: 4e8 });
  expect(reachableGain(extremesOf(hosts), [web], { scale, weights })).toBeCloseTo(
    0.1 + 0.5 * 0.32,
    12,
  );
});

test("reachableGain() is nothing among equals, for a host alone, and without VMs", () => {
  const even = [hostFigures("a", { cpuCores: 5 }), hostFigures("b", { cpuCores: 5 })];
  const vms = [vmFigures("web")];
  expect(reachableGain(extremesOf(even), vms, { scale, weights })).toBe(0);
  expect(
    reachableGain(extremesOf([hostFigures("a", { cpuCores: 5 })]), vms, { scale, weights }),
  ).toBe(0);
  const uneven = [hostFigures("a", { cpuCores: 5 }), hostFigures("b")];
  expect(reachableGain(extremesOf(uneven), [], { scale, weights })).toBe(0);
  expect(reachableGain(extremesOf([]), [], { scale, weights })).toBe(0);
});

test("reachableGain() counts no draining host as a place to go, but as one to leave", () => {
  const hosts = [hostFigures("a", { cpuCores: 6 }), hostFigures("b", { cpuCores: 4 })];
  const vms = [vmFigures("web", { cpuCores: 1, memoryBytes: 0 })];
  const idle = hostFigures("c", { draining: true });
  const before = reachableGain(extremesOf(hosts), vms, { scale, weights });
  expect(reachableGain(extremesOf([...hosts, idle]), vms, { scale, weights })).toBe(before);
  const full = hostFigures("c", { draining: true, cpuCores: 9 });
  expect(reachableGain(extremesOf([...hosts, full]), vms, { scale, weights })).toBeGreaterThan(
    before,
  );
});

test("reachableGain() is no less than what any one move of an own VM wins", () => {
  const cores = fc.double({ min: 0, max: 12, noNaN: true });
  fc.assert(
    fc.property(fc.array(cores, { minLength: 2, maxLength: 6 }), cores, (loads, cpuCores) => {
      const hosts = loads.map((load, at) => hostFigures(`node-${at}`, { cpuCores: load }));
      const vms = [vmFigures("web", { cpuCores, memoryBytes: 0 })];
      const most = reachableGain(extremesOf(hosts), vms, { scale, weights });
      const w = cpuCores / 10;
      for (const from of loads) {
        for (const to of loads) {
          expect(2 * w * ((from - to) / 10 - w)).toBeLessThanOrEqual(most + 1e-9);
        }
      }
    }),
  );
});

test("Patience.fallsToMs() is when the level is that low", () => {
  const patience = new Patience(0.6);
  const look = { reachableGain: 0.2, halfLifeMs };
  patience.level({ ...look, nowMs: 0 });
  for (const score of [0.11, 0.06, 0.01]) {
    const atMs = patience.fallsToMs(score);
    const then = new Patience(0.6);
    then.level({ ...look, nowMs: 0 });
    expect(then.level({ ...look, nowMs: atMs })).toBeCloseTo(score, 12);
  }
  expect(patience.fallsToMs(0.12)).toBeCloseTo(0, 6);
  expect(patience.fallsToMs(1)).toBe(0);
});
