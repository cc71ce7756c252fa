import { expect, test } from "vitest";
import type { HostFigures } from "#lib/planning/host-figures.ts";
import { defaultPlanningParams as params } from "#lib/planning/params.ts";
import { Trigger, type TriggerInput } from "#lib/planning/trigger.ts";
import { hostFigures } from "../../support/planning-figures.ts";

const mean = { cpu: 0.5, memory: 0.1, network: 0 };

function input(host: Partial<HostFigures>, changes: Partial<TriggerInput> = {}): TriggerInput {
  return { self: hostFigures("a", host), mean, brokenRules: false, nowMs: 0, ...changes };
}

function samples(cpuCores: readonly number[]) {
  const trigger = new Trigger(params);
  return cpuCores.map((cores) => trigger.observe(input({ cpuCores: cores })));
}

test("Trigger wants three of five samples above the mean by the margin", () => {
  expect(samples([6, 6, 6])).toEqual([null, null, "imbalance"]);
  expect(samples([6, 5, 6, 5, 6, 5, 5])).toEqual([null, null, null, null, "imbalance", null, null]);
  expect(samples([5.1, 5.1, 5.1, 5.1])).toEqual([null, null, null, null]);
});

test("Trigger is moved by no single sample", () => {
  expect(samples([5, 5, 30, 5, 5, 5, 5, 30, 5, 5])).toEqual(new Array(10).fill(null));
});

test("Trigger calls a host hot above its threshold, even when all are", () => {
  const trigger = new Trigger(params);
  const hot = input({ cpuCores: 9.5 }, { mean: { cpu: 0.95, memory: 0.95, network: 0 } });
  expect([1, 2, 3].map(() => trigger.observe(hot))).toEqual([null, null, "hot"]);
});

test("Trigger sees memory as well as CPU", () => {
  const trigger = new Trigger(params);
  const crowded = input({ memoryBytes: 30 * 2 ** 30 });
  expect([1, 2, 3].map(() => trigger.observe(crowded))).toEqual([null, null, "imbalance"]);
});

test("Trigger lets a host near the mean look when another stands nearly idle", () => {
  const trigger = new Trigger(params);
  const even = input({ cpuCores: 5 }, { least: { cpu: 0.1, memory: 0, network: 0 } });
  expect([1, 2, 3].map(() => trigger.observe(even))).toEqual([null, null, "imbalance"]);
});

test("Trigger takes drains and broken rules at once, and keeps the load as the next reason", () => {
  const trigger = new Trigger(params);
  const broken = input({ cpuCores: 6 }, { brokenRules: true });
  expect([1, 2, 3].map(() => trigger.observe(broken))).toEqual(["rule", "rule", "rule"]);
  expect(trigger.reasons).toEqual(["rule", "imbalance"]);
  expect(trigger.observe(input({ cpuCores: 6, draining: true }))).toBe("drain");
  expect(trigger.observe(input({ cpuCores: 5 }))).toBe("imbalance");
  expect(trigger.reasons).toEqual(["imbalance"]);
});
