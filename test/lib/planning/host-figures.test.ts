import { expect, test } from "vitest";
import type { HostSummary } from "#lib/model/host.ts";
import {
  figuresOfSummary,
  leastUtilisation,
  levelUtilisation,
  utilisationOf,
} from "#lib/planning/host-figures.ts";
import { hostFigures, simHypervisor } from "../../support/planning-figures.ts";

const GIB = 2 ** 30;

test("utilisationOf() of an unknown capacity is nothing, not infinite", () => {
  expect(utilisationOf(hostFigures("a", { cpuCores: 5, memoryBytes: 25 * GIB }))).toEqual({
    cpu: 0.5,
    memory: 0.25,
    network: 0,
  });
  expect(utilisationOf(hostFigures("a", { cpuCores: 5, cpuCapacityCores: 0 })).cpu).toBe(0);
});

test("levelUtilisation() weighs hosts by size and hands on what drains", () => {
  const hosts = [
    hostFigures("big", { cpuCapacityCores: 30, cpuCores: 6 }),
    hostFigures("small", { cpuCapacityCores: 10, cpuCores: 10 }),
    hostFigures("leaving", { cpuCapacityCores: 10, cpuCores: 4, draining: true }),
  ];
  expect(levelUtilisation(hosts).cpu).toBeCloseTo(20 / 40);
  expect(levelUtilisation([])).toEqual({ cpu: 0, memory: 0, network: 0 });
});

test("a network of unknown speed is nobody's share and nobody's envy", () => {
  const known = { networkCapacityBytesPerSecond: 100, networkBytesPerSecond: 40 };
  const hosts = [hostFigures("a", known), hostFigures("b", { networkBytesPerSecond: 1e9 })];
  expect(levelUtilisation(hosts).network).toBeCloseTo(0.4);
  expect(leastUtilisation(hosts)?.network).toBeCloseTo(0.4);
});

test("leastUtilisation() passes over hosts that drain", () => {
  const hosts = [
    hostFigures("a", { cpuCores: 5, memoryBytes: 10 * GIB }),
    hostFigures("b", { cpuCores: 3, memoryBytes: 20 * GIB }),
    hostFigures("leaving", { draining: true }),
  ];
  expect(leastUtilisation(hosts)).toEqual({ cpu: 0.3, memory: 0.1, network: 1 });
  expect(leastUtilisation([])).toBeUndefined();
});

test("figuresOfSummary() takes the projected figures, not the measured ones", () => {
  const summary: HostSummary = {
    name: "node-a",
    presence: "here",
    draining: true,
    cpuCapacityCores: 8,
    memoryCapacityBytes: 64 * GIB,
    projectedCpuCores: 3,
    projectedMemoryBytes: 5 * GIB,
    measuredCpuCores: 7,
    projectedNetworkBytesPerSecond: 11,
    networkCapacityBytesPerSecond: 250,
    pressure: null,
    freeSlotsIn: 1,
    freeSlotsOut: 0,
    vmCount: 2,
    antiAffinityGroups: ["db"],
    affinityGroups: [{ group: "web", vms: 2, memoryBytes: GIB }],
    hypervisor: simHypervisor,
    addresses: [],
    probePort: 0,
    keyed: true,
    protocolMin: 1,
    protocolMax: 1,
    agentVersion: "0",
    instance: "00",
  };
  expect(figuresOfSummary("id", summary)).toEqual({
    host: "id",
    name: "node-a",
    cpuCapacityCores: 8,
    memoryCapacityBytes: 64 * GIB,
    cpuCores: 3,
    memoryBytes: 5 * GIB,
    freeSlotsIn: 1,
    freeSlotsOut: 0,
    networkBytesPerSecond: 11,
    networkCapacityBytesPerSecond: 250,
    draining: true,
    antiAffinityGroups: ["db"],
    affinityGroups: [{ group: "web", vms: 2, memoryBytes: GIB }],
    hypervisor: simHypervisor,
  });
});
