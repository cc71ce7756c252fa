import fc from "fast-check";
import { expect, test } from "vitest";
import { candidates, scoreNeeded } from "#lib/planning/candidates.ts";
import { defaultPlanningParams as params } from "#lib/planning/params.ts";
import { scaleOf } from "#lib/planning/potential.ts";
import { type WeighShiftsOptions, weighShifts } from "#lib/planning/weigh-shifts.ts";
import { anyHosts } from "../../support/planning-arbitraries.ts";
import { hostFigures, vmFigures } from "../../support/planning-figures.ts";

const self = hostFigures("node-a", { cpuCores: 9 });
const cold = hostFigures("node-b", { cpuCores: 1 });
const warm = hostFigures("node-c", { cpuCores: 4 });
const vm = vmFigures("web-3k2", { cpuCores: 2 });
const scale = scaleOf([self, cold, warm]);
const member = {
  service: "web",
  vm: vm.vm,
  load: vm.load,
  memoryBytes: vm.memoryBytes,
  drainMs: 5_000,
  cooldownUntilMs: 0,
};

function look(changes: Partial<WeighShiftsOptions> = {}) {
  const targets = [warm, cold].map((figures) => ({ figures, refusal: null }));
  return weighShifts({ self, member, targets, level: 0, nowMs: 1_000, scale, params, ...changes });
}

test("weighShifts() puts the best first, with the gain of a move of the same load", () => {
  const found = look();
  expect(found.map(({ to, refusal }) => [to, refusal])).toEqual([
    ["node-b", null],
    ["node-c", null],
  ]);
  const [move] = candidates({
    ...{ self, vms: [vm], targets: [cold], reason: "hot", nowMs: 1_000, scale, params },
  });
  expect(found[0]).toMatchObject({ service: "web", vm: "web-3k2", from: "node-a" });
  expect(found[0]?.gain).toBe(move?.gain);
  // Equal gain, lower price: the shift is preferred.
  expect(found[0]?.cost).toBeLessThan(move?.cost ?? 0);
  expect(found[0]?.score).toBeGreaterThan(move?.score ?? 0);
});

test.each([
  {
    name: "what is in the way at the target",
    changes: { targets: [{ figures: cold, refusal: "is draining" }] },
    words: /^node-b is draining$/,
  },
  {
    name: "the rest after a shift",
    changes: { member: { ...member, cooldownUntilMs: 31_000 } },
    words: /^it was shifted a short while ago and rests for another 30 s$/,
  },
  {
    name: "a load that is not known",
    changes: { member: { ...member, load: null } },
    words: /not been measured for long enough/,
  },
  {
    name: "a host that is no cooler",
    changes: { targets: [{ figures: hostFigures("node-d", { cpuCores: 9 }), refusal: null }] },
    words: /^on node-d it would make the cluster less even, or no more so$/,
  },
  {
    name: "a gain that noise may undo",
    changes: {
      member: { ...member, cpuNoiseShare: 0.5 },
      targets: [{ figures: hostFigures("node-d", { cpuCores: 6.8 }), refusal: null }],
    },
    words: /would win only 0\.\d+ after its cost, and a shift must win 0\.\d+$/,
  },
  {
    name: "a better action that is waited for",
    changes: { level: 1 },
    words: /a shift must win 1\.0000$/,
  },
])("weighShifts() refuses for $name, with its figures", ({ changes, words }) => {
  for (const { refusal } of look(changes)) expect(refusal).toMatch(words);
});

test("weighShifts() never allows what wins less than noise and price ask for", () => {
  const anyMember = fc.record({
    cpuCores: fc.double({ min: 0, max: 8, noNaN: true }),
    cpuNoiseShare: fc.double({ min: 0, max: 1, noNaN: true }),
    drainMs: fc.nat(600_000),
  });
  fc.assert(
    fc.property(
      anyHosts({ min: 1, max: 8 }),
      anyMember,
      (hosts, { cpuCores, cpuNoiseShare, drainMs }) => {
        const [own, ...others] = hosts;
        if (!own) return;
        const shifted = { ...member, load: { ...vm.load, cpuCores }, cpuNoiseShare, drainMs };
        const all = scaleOf(hosts);
        const targets = others.map((figures) => ({ figures, refusal: null }));
        const found = look({ self: own, member: shifted, targets, scale: all });
        const allowed = found.filter(({ refusal }) => refusal === null);
        const needed = params.shiftGainsMin * scoreNeeded(shifted, { scale: all, params });
        for (const one of allowed) expect(one.score).toBeGreaterThanOrEqual(needed);
        expect(found.slice(0, allowed.length)).toEqual(allowed);
        expect(found).toHaveLength(others.length);
      },
    ),
  );
});

test("weighShifts() says up to which demand of the target the shift still wins what it must", () => {
  const needed =
    params.shiftGainsMin * scoreNeeded({ ...member, load: vm.load }, { scale, params });
  const [best] = look();
  const scoreAt = (cpuCores: number) =>
    look({ targets: [{ figures: { ...cold, cpuCores }, refusal: null }] })[0]?.score ?? 0;
  expect(best?.cpuCoresMax).toBeGreaterThan(cold.cpuCores);
  expect(scoreAt(best?.cpuCoresMax ?? 0)).toBeCloseTo(needed, 10);
  const idle = { ...member, load: { ...vm.load, cpuCores: 0 } };
  for (const { cpuCoresMax } of look({ member: idle })) expect(cpuCoresMax).toBeLessThan(100);
});
