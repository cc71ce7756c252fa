import fc from "fast-check";
import type { HostFigures } from "#lib/planning/host-figures.ts";
import type { VmFigures } from "#lib/planning/vm-figures.ts";
import { hostFigures, vmFigures } from "./planning-figures.ts";

const GIB = 2 ** 30;
const groups = fc.constantFrom(null, "db", "web");

/** Hosts of any size and load, unequal, some draining or busy, named node-0, node-1, … */
export function anyHosts(range: { min: number; max: number }): fc.Arbitrary<HostFigures[]> {
  const host = fc.record({
    cpuCapacityCores: fc.double({ min: 0.5, max: 128, noNaN: true }),
    cpuShare: fc.double({ min: 0, max: 1.5, noNaN: true }),
    memoryGib: fc.integer({ min: 1, max: 1024 }),
    memoryShare: fc.double({ min: 0, max: 1, noNaN: true }),
    networkCapacity: fc.constantFrom(250e6, 2_500e6),
    networkShare: fc.double({ min: 0, max: 1, noNaN: true }),
    freeSlotsIn: fc.integer({ min: 0, max: 2 }),
    draining: fc.boolean(),
    group: groups,
  });
  return fc.array(host, { minLength: range.min, maxLength: range.max }).map((list) =>
    list.map((one, i) =>
      hostFigures(`node-${i}`, {
        cpuCapacityCores: one.cpuCapacityCores,
        cpuCores: one.cpuCapacityCores * one.cpuShare,
        memoryCapacityBytes: one.memoryGib * GIB,
        memoryBytes: Math.floor(one.memoryGib * GIB * one.memoryShare),
        networkCapacityBytesPerSecond: one.networkCapacity,
        networkBytesPerSecond: one.networkCapacity * one.networkShare,
        freeSlotsIn: one.freeSlotsIn,
        draining: one.draining,
        antiAffinityGroups: one.group === null ? [] : [one.group],
      }),
    ),
  );
}

/** VMs named vm-0, vm-1, … with any rules. */
export function anyVms(range: { min: number; max: number }): fc.Arbitrary<VmFigures[]> {
  const vm = fc.record({
    cpuCores: fc.double({ min: 0, max: 16, noNaN: true }),
    memoryMib: fc.integer({ min: 1, max: 64 * 1024 }),
    dirtyBytesPerSecond: fc.option(fc.integer({ min: 0, max: 1e9 })),
    networkBytesPerSecond: fc.option(fc.integer({ min: 0, max: 1e8 })),
    pin: fc.constantFrom(null, null, "node-0", "node-1", "elsewhere"),
    ignore: fc.constantFrom(false, false, true),
    group: groups,
    immovable: fc.constantFrom(null, null, "a backup is running"),
    cooldownUntilMs: fc.constantFrom(0, 0, 2000),
  });
  return fc.array(vm, { minLength: range.min, maxLength: range.max }).map((list) =>
    list.map((one, i) =>
      vmFigures(`vm-${i}`, {
        cpuCores: one.cpuCores,
        dirtyBytesPerSecond: one.dirtyBytesPerSecond,
        networkBytesPerSecond: one.networkBytesPerSecond,
        memoryBytes: one.memoryMib * 2 ** 20,
        policy: { pin: one.pin, ignore: one.ignore, antiAffinityGroup: one.group },
        immovable: one.immovable,
        cooldownUntilMs: one.cooldownUntilMs,
      }),
    ),
  );
}
