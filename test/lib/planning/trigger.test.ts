import { expect, test } from "vitest";
import type { HostFigures } from "#lib/planning/host-figures.ts";
import {
  defaultPlanningParams as defaultParams,
  type PlanningParams,
} from "#lib/planning/params.ts";
import { Trigger, type TriggerInput } from "#lib/planning/trigger.ts";
import { hostFigures } from "../../support/planning-figures.ts";

const mean = { cpu: 0.5, memory: 0.1, network: 0 };

function input(host: Partial<HostFigures>, changes: Partial<TriggerInput> = {}): TriggerInput {
  return { self: hostFigures("a", host), mean, brokenRules: false, nowMs: 0, ...changes };
}

function samples(cpuCores: readonly number[]) {
  const trigger = new Trigger(defaultParams);
  return cpuCores.map((cores) => trigger.observe(input({ cpuCores: cores })));
}

test("Trigger wants three of five samples above the mean by the margin", () => {
  expect(samples([6, 6, 6])).toEqual([null, null, "imbalance"]);
  expect(samples([6, 5, 6, 5, 6, 5, 5])).toEqual([null, null, null, null, "imbalance", null, null]);
  expect(samples([5.1, 5.1, 5.1, 5.1])).toEqual([null, null, null, null]);
});

test("Trigger holds the samples before a host is measured against what it knows then", () => {
  const young = (cores: readonly number[], last: number) => {
    const trigger = new Trigger(defaultParams);
    for (const cpuCores of cores) {
      // It knows nobody yet: its own load is the mean.
      const alone = { mean: { cpu: cpuCores / 10, memory: 0.1, network: 0 }, measuring: true };
      expect(trigger.observe(input({ cpuCores }, alone))).toBeNull();
    }
    return trigger.observe(input({ cpuCores: last }));
  };
  expect(young([6, 6], 6)).toBe("imbalance");
  expect(young([9.5, 9.5], 9.5)).toBe("hot");
  expect(young([30, 5], 5)).toBeNull();
  expect(young([30, 5, 5], 6)).toBeNull();
});

test("Trigger is moved by no single sample", () => {
  expect(samples([5, 5, 30, 5, 5, 5, 5, 30, 5, 5])).toEqual(new Array(10).fill(null));
});

test("Trigger calls a host hot above its threshold, even when all are", () => {
  const trigger = new Trigger(defaultParams);
  const hot = input({ cpuCores: 9.5 }, { mean: { cpu: 0.95, memory: 0.95, network: 0 } });
  expect([1, 2, 3].map(() => trigger.observe(hot))).toEqual([null, null, "hot"]);
});

test("Trigger sees memory as well as CPU", () => {
  const trigger = new Trigger(defaultParams);
  const crowded = input({ memoryBytes: 30 * 2 ** 30 });
  expect([1, 2, 3].map(() => trigger.observe(crowded))).toEqual([null, null, "imbalance"]);
});

test("Trigger lets a host near the mean look when another stands nearly idle", () => {
  const trigger = new Trigger(defaultParams);
  const even = input({ cpuCores: 5 }, { least: { cpu: 0.1, memory: 0, network: 0 } });
  expect([1, 2, 3].map(() => trigger.observe(even))).toEqual([null, null, "imbalance"]);
});

test("Trigger takes drains and broken rules at once, and keeps the load as the next reason", () => {
  const trigger = new Trigger(defaultParams);
  const broken = input({ cpuCores: 6 }, { brokenRules: true });
  expect([1, 2, 3].map(() => trigger.observe(broken))).toEqual(["rule", "rule", "rule"]);
  expect(trigger.reasons).toEqual(["rule", "imbalance"]);
  expect(trigger.observe(input({ cpuCores: 6, draining: true }))).toBe("drain");
  expect(trigger.observe(input({ cpuCores: 5 }))).toBe("imbalance");
  expect(trigger.reasons).toEqual(["imbalance"]);
});

/** What a host at the mean says when another has `least`. */
function beside(
  least: number,
  params: Partial<PlanningParams> = {},
  host: Partial<HostFigures> = { cpuCores: 5 },
) {
  const trigger = new Trigger({ ...defaultParams, gainMin: 0.002, gapGainsMin: 2, ...params });
  const idle = { cpu: least, memory: 0, network: 1 };
  return [1, 2, 3].map(() => trigger.observe(input(host, { least: idle }))).at(-1);
}

test("Trigger looks across a gap as soon as half its square wins so many least gains", () => {
  // 0.09² / 2 = 0.00405, 0.08² / 2 = 0.0032; two least gains are 0.004.
  expect(beside(0.41)).toBe("imbalance");
  expect(beside(0.42)).toBeNull();
  expect(beside(0.42, { gapGainsMin: 1.5 })).toBe("imbalance");
  expect(beside(0.42, { gainMin: 0.001 })).toBe("imbalance");
  expect(beside(0.42, { weights: { ...defaultParams.weights, cpu: 2 } })).toBe("imbalance");
  expect(beside(0.9)).toBeNull();
});

test("Trigger adds the gaps of several resources up", () => {
  const memoryBytes = 0.08 * 100 * 2 ** 30;
  expect(beside(0.42, {}, { cpuCores: 5, memoryBytes })).toBe("imbalance");
  expect(beside(0.5, {}, { cpuCores: 5, memoryBytes })).toBeNull();
});

test("Trigger sees the network as well, where the link's speed is known", () => {
  const observed = (networkCapacityBytesPerSecond: number, networkBytesPerSecond: number) => {
    const trigger = new Trigger(defaultParams);
    const busy = input({ networkCapacityBytesPerSecond, networkBytesPerSecond });
    return [1, 2, 3].map(() => trigger.observe(busy)).at(-1);
  };
  expect(observed(1e9, 3e8)).toBe("imbalance");
  expect(observed(1e9, 9.5e8)).toBe("hot");
  expect(observed(0, 9.5e8)).toBeNull();
});
