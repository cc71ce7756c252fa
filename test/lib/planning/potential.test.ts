import fc from "fast-check";
import { expect, test } from "vitest";
import { defaultPlanningParams } from "#lib/planning/params.ts";
import { gainOf, potential, scaleOf, withVm } from "#lib/planning/potential.ts";
import { anyHosts, anyVms } from "../../support/planning-arbitraries.ts";
import { hostFigures, vmFigures } from "../../support/planning-figures.ts";

const { weights } = defaultPlanningParams;

test("potential() of one average host at 100 % of one resource is one unit", () => {
  const hosts = [hostFigures("a", { cpuCores: 10 }), hostFigures("b")];
  expect(potential(hosts, { scale: scaleOf(hosts), weights })).toBeCloseTo(1);
});

test("gainOf() between equal hosts is 2 x weight x (difference - weight)", () => {
  const hosts = [hostFigures("a", { cpuCores: 8 }), hostFigures("b", { cpuCores: 3 })] as const;
  const vm = vmFigures("web", { cpuCores: 2, memoryBytes: 0 });
  // Weight 0.2 of a host; 0.8 against 0.3.
  const gain = gainOf(vm, hosts[0], hosts[1], { scale: scaleOf(hosts), weights });
  expect(gain).toBeCloseTo(2 * 0.2 * (0.8 - 0.3 - 0.2));
});

test("gainOf() counts traffic at its weight, and only between hosts that know their links", () => {
  const link = { networkCapacityBytesPerSecond: 100, networkBytesPerSecond: 60 };
  const busy = hostFigures("a", link);
  const idle = hostFigures("b", { ...link, networkBytesPerSecond: 10 });
  const vm = vmFigures("web", { cpuCores: 0, memoryBytes: 0, networkBytesPerSecond: 20 });
  const options = { scale: scaleOf([busy, idle, hostFigures("c")]), weights };
  expect(options.scale.networkBytesPerSecond).toBe(100);
  expect(gainOf(vm, busy, idle, options)).toBeCloseTo(
    weights.network * 2 * 0.2 * (0.6 - 0.1 - 0.2),
  );
  expect(gainOf(vm, busy, hostFigures("c"), options)).toBe(0);
  expect(gainOf(vm, hostFigures("c"), idle, options)).toBe(0);
});

test("gainOf() is the exact fall of the potential, for any hosts", () => {
  fc.assert(
    fc.property(anyHosts({ min: 2, max: 6 }), anyVms({ min: 1, max: 1 }), (hosts, [vm]) => {
      const [from, to, ...rest] = hosts;
      if (!from || !to || !vm) return;
      const options = { scale: scaleOf(hosts), weights };
      const source = withVm(from, vm, 1);
      const before = potential([source, to, ...rest], options);
      const after = potential([from, withVm(to, vm, 1), ...rest], options);
      const size = Math.max(1, before, after);
      expect(Math.abs(gainOf(vm, source, to, options) - (before - after)) / size).toBeLessThan(
        1e-9,
      );
    }),
  );
});

test("gainOf() of a move there and back sums to nothing", () => {
  fc.assert(
    fc.property(anyHosts({ min: 2, max: 2 }), anyVms({ min: 1, max: 1 }), (hosts, [vm]) => {
      const [from, to] = hosts;
      if (!from || !to || !vm) return;
      const options = { scale: scaleOf(hosts), weights };
      const there = gainOf(vm, withVm(from, vm, 1), to, options);
      const back = gainOf(vm, withVm(to, vm, 1), from, options);
      expect(Math.abs(there + back) / Math.max(1, Math.abs(there))).toBeLessThan(1e-9);
    }),
  );
});

test("potential() is least when unequal hosts carry the same share", () => {
  const split = (big: number) => {
    const hosts = [
      hostFigures("big", { cpuCapacityCores: 30, cpuCores: big }),
      hostFigures("small", { cpuCapacityCores: 10, cpuCores: 20 - big }),
    ];
    return potential(hosts, { scale: scaleOf(hosts), weights });
  };
  for (const other of [10, 14, 14.9, 15.1, 16, 20]) expect(split(15)).toBeLessThan(split(other));
});

test("scaleOf() of hosts without known capacity divides nothing by zero", () => {
  const blank = hostFigures("a", { cpuCapacityCores: 0, memoryCapacityBytes: 0, cpuCores: 3 });
  for (const hosts of [[], [blank]]) {
    const options = { scale: scaleOf(hosts), weights };
    expect(potential(hosts, options)).toBe(0);
    expect(gainOf(vmFigures("web"), blank, blank, options)).toBe(0);
  }
});
