import fc from "fast-check";
import { expect, test } from "vitest";
import type { ActionReason } from "#lib/model/action.ts";
import {
  type CandidateOptions,
  candidates,
  rescore,
  scoreNeeded,
} from "#lib/planning/candidates.ts";
import { defaultPlanningParams as params } from "#lib/planning/params.ts";
import { potential, scaleOf, withVm } from "#lib/planning/potential.ts";
import { anyHosts, anyVms } from "../../support/planning-arbitraries.ts";
import { hostFigures, vmFigures } from "../../support/planning-figures.ts";

const GIB = 2 ** 30;
const scale = { cpuCores: 10, memoryBytes: 100 * GIB, networkBytesPerSecond: 1 };

function look(changes: Partial<CandidateOptions> = {}) {
  return candidates({
    self: hostFigures("node-a", { cpuCores: 8 }),
    vms: [vmFigures("web", { cpuCores: 2 })],
    targets: [hostFigures("node-b", { cpuCores: 2 }), hostFigures("node-c", { cpuCores: 4 })],
    reason: "imbalance",
    nowMs: 1000,
    scale,
    params,
    ...changes,
  });
}

test("candidates() puts the best move first", () => {
  const found = look({
    vms: [vmFigures("small", { cpuCores: 0.5 }), vmFigures("web", { cpuCores: 2.5 })],
  });
  expect(found.map(({ vm, to, refusal }) => [vm, to, refusal === null])).toEqual([
    ["web", "node-b", true],
    ["web", "node-c", true],
    ["small", "node-b", true],
    ["small", "node-c", true],
  ]);
  expect(found[0]?.score).toBeCloseTo((found[0]?.gain ?? 0) - (found[0]?.cost ?? 0));
});

test("candidates() keeps the refused ones last, with the figures", () => {
  const needed = scoreNeeded(vmFigures("web", { cpuCores: 2 }), { scale, params }).toFixed(4);
  const found = look({
    targets: [
      hostFigures("node-b", { cpuCores: 2, memoryBytes: 95 * GIB }),
      hostFigures("node-c", { cpuCores: 7 }),
      hostFigures("node-d", { cpuCores: 5.95 }),
      hostFigures("node-e", { cpuCores: 4 }),
    ],
  });
  expect(found.map(({ to, refusal }) => [to, refusal])).toEqual([
    ["node-e", null],
    ["node-b", "node-b would be at 96 % of its memory (limit 90 %)"],
    [
      "node-d",
      `moving web to node-d would win only 0.0008 after its cost, and a move must win ${needed}`,
    ],
    ["node-c", "on node-c web would make the cluster less even, or no more so"],
  ]);
  expect(
    look({
      targets: found.length ? [hostFigures("node-c", { cpuCores: 7 })] : [],
      keepRefused: false,
    }),
  ).toEqual([]);
});

test("candidates() lets a VM rest after a move, except for a drain", () => {
  const vms = [vmFigures("web", { cpuCores: 2, cooldownUntilMs: 41_500 })];
  expect(look({ vms })[0]?.refusal).toBe(
    "web was moved a short while ago and rests for another 41 s",
  );
  expect(look({ vms, nowMs: 41_500 })[0]?.refusal).toBeNull();
  expect(look({ vms, reason: "drain" })[0]?.refusal).toBeNull();
});

test("candidates() asks more of a VM with a noisy load", () => {
  const targets = [hostFigures("node-b", { cpuCores: 5.2 })];
  const best = (cpuNoiseShare: number | undefined) =>
    look({ targets, vms: [vmFigures("web", { cpuCores: 2, cpuNoiseShare })] })[0]?.refusal;
  expect(best(0)).toBeNull();
  expect(best(undefined)).toBeNull();
  expect(best(0.4)).toContain("would win only");
});

test("candidates() asks more by the square of the noise, also of a light VM", () => {
  const needed = (cpuCores: number, cpuNoiseShare: number) =>
    scoreNeeded(vmFigures("web", { cpuCores, cpuNoiseShare }), { scale, params });
  expect(needed(2, 0)).toBe(params.gainMin);
  const doubt = needed(2, 0.1) - params.gainMin;
  expect(needed(2, 0.2) - params.gainMin).toBeCloseTo(4 * doubt);
  expect(needed(0.001, 0.5) - params.gainMin).toBeCloseTo(0.25 * params.gainPerNoise);
  // Noise counts no further than `noiseShareMax`.
  expect(needed(2, 5)).toBe(needed(2, params.noiseShareMax));
});

test("candidates() accepts a loss to drain a host", () => {
  const found = look({
    reason: "drain",
    self: hostFigures("node-a", { cpuCores: 1, draining: true }),
    targets: [hostFigures("node-b", { cpuCores: 9 }), hostFigures("node-c", { cpuCores: 8 })],
  });
  expect(found.map(({ to, refusal }) => [to, refusal])).toEqual([
    ["node-c", null],
    ["node-b", null],
  ]);
  expect(found[0]?.gain).toBeLessThan(0);
});

test("candidates() repairs only what breaks a rule", () => {
  const db = { antiAffinityGroup: "db" };
  const found = look({
    reason: "rule",
    vms: [
      vmFigures("db-1", { cpuCores: 1, policy: db }),
      vmFigures("db-2", { cpuCores: 3, policy: db }),
      vmFigures("web", { cpuCores: 3 }),
    ],
    targets: [
      hostFigures("node-b", { cpuCores: 2, antiAffinityGroups: ["db"] }),
      hostFigures("node-c"),
    ],
  });
  const open = found.filter(({ refusal }) => refusal === null);
  expect(open.map(({ vm, to }) => [vm, to])).toEqual([
    ["db-2", "node-c"],
    ["db-1", "node-c"],
  ]);
  expect(found.find(({ vm }) => vm === "web")?.refusal).toBe("web breaks no rule on node-a");
});

test("candidates() breaks ties by the ids, whatever the order of its input", () => {
  const targets = ["b", "c", "d", "e", "f"].map((name) => hostFigures(`node-${name}`));
  const vms = ["x", "y", "z"].map((name) => vmFigures(`vm-${name}`));
  const first = look({ targets, vms });
  fc.assert(
    fc.property(
      fc.shuffledSubarray(targets, { minLength: targets.length }),
      fc.shuffledSubarray(vms, { minLength: vms.length }),
      (someTargets, someVms) => {
        expect(look({ targets: someTargets, vms: someVms })).toEqual(first);
      },
    ),
  );
  // Spread over the hosts: otherwise all sources would ask the first in the alphabet.
  const favourites = vms.map((vm) => look({ targets, vms: [vm] })[0]?.to);
  expect(new Set(favourites).size).toBeGreaterThan(1);
});

test("candidates() returns no more than its limit", () => {
  expect(look({ params: { ...params, candidatesMax: 1 } })).toHaveLength(1);
});

const anyReason = fc.constantFrom<ActionReason>("imbalance", "hot", "rule", "drain");

test("candidates() never proposes what a rule, a rest or the memory forbids", () => {
  fc.assert(
    fc.property(
      anyHosts({ min: 2, max: 8 }),
      anyVms({ min: 1, max: 8 }),
      anyReason,
      ([self, ...targets], vms, reason) => {
        if (!self) return;
        const found = look({ self, targets, vms, reason });
        for (const { vm: name, to: host, refusal } of found) {
          const vm = vms.find((one) => one.vm === name);
          const to = targets.find((one) => one.host === host);
          if (!vm || !to) throw new Error("a candidate of nothing");
          if (refusal !== null) {
            expect(refusal).toMatch(/^[a-z].*[^.]$/);
            continue;
          }
          expect(vm.policy.ignore).toBe(false);
          expect(vm.immovable).toBeNull();
          expect([null, to.name]).toContain(vm.policy.pin);
          expect(to.antiAffinityGroups).not.toContain(vm.policy.antiAffinityGroup);
          expect(to.draining).toBe(false);
          expect(to.freeSlotsIn).toBeGreaterThan(0);
          expect(to.memoryBytes + vm.memoryBytes).toBeLessThanOrEqual(to.memoryCapacityBytes * 0.9);
          if (reason !== "drain") expect(vm.cooldownUntilMs).toBeLessThanOrEqual(1000);
        }
        const open = found.filter(({ refusal }) => refusal === null);
        expect(look({ self, targets, vms, reason, keepRefused: false })).toEqual(open);
        expect(found.slice(0, open.length)).toEqual(open);
      },
    ),
  );
});

test("rescore(): what a target accepts lowers the potential by the gain that it states", () => {
  fc.assert(
    fc.property(
      anyHosts({ min: 2, max: 5 }),
      anyVms({ min: 1, max: 1 }),
      anyReason,
      (hosts, [vm], reason) => {
        const [source, self, ...rest] = hosts;
        if (!source || !self || !vm) return;
        const from = withVm(source, vm, 1);
        const scale = scaleOf(hosts);
        const { gain, cost, score, refusal } = rescore({
          vm,
          source: from,
          self,
          reason,
          scale,
          params,
        });
        expect(score).toBe(gain - cost);
        if (refusal !== null) return;
        const options = { scale, weights: params.weights };
        const before = potential([from, self, ...rest], options);
        const after = potential([source, withVm(self, vm, 1), ...rest], options);
        expect(before - after).toBeGreaterThanOrEqual(gain - 1e-9 * Math.max(1, before, after));
        if (reason === "imbalance" || reason === "hot") {
          expect(gain).toBeGreaterThanOrEqual(params.gainMin + cost);
        }
      },
    ),
  );
});

test("rescore() agrees with the source about the same figures", () => {
  const source = hostFigures("node-a", { cpuCores: 8 });
  const self = hostFigures("node-b", { cpuCores: 2 });
  const vm = vmFigures("web", { cpuCores: 2, cpuNoiseShare: 0.1 });
  const scale = { cpuCores: 10, memoryBytes: 100 * GIB, networkBytesPerSecond: 1 };
  const [proposed] = look({ vms: [vm], targets: [self] });
  const judged = rescore({ vm, source, self, reason: "imbalance", scale, params });
  expect(judged.refusal).toBeNull();
  expect(judged.gain).toBe(proposed?.gain);
  expect(judged.cost).toBe(proposed?.cost);
});

test("rescore() refuses what its own load has made pointless since", () => {
  const judged = rescore({
    vm: vmFigures("web", { cpuCores: 2 }),
    source: hostFigures("node-a", { cpuCores: 8 }),
    self: hostFigures("node-b", { cpuCores: 6 }),
    reason: "imbalance",
    scale: { cpuCores: 10, memoryBytes: 100 * GIB, networkBytesPerSecond: 1 },
    params,
  });
  expect(judged.refusal).toBe("on node-b web would make the cluster less even, or no more so");
});
