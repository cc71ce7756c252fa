import fc from "fast-check";
import { expect, test } from "vitest";
import { extremesOf, gainAtMost, joinedExtremes } from "#lib/planning/extremes.ts";
import { defaultPlanningParams } from "#lib/planning/params.ts";
import { gainOf, scaleOf } from "#lib/planning/potential.ts";
import { anyHosts, anyVms } from "../../support/planning-arbitraries.ts";
import { hostFigures, vmFigures } from "../../support/planning-figures.ts";

const { weights } = defaultPlanningParams;
const some = { min: 0, max: 6 };
/** Some hosts do not know their links. */
const hostsOfAnyLinks = fc
  .tuple(anyHosts({ min: 1, max: 6 }), fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }))
  .map(([hosts, known]) =>
    hosts.map((host, at) => (known[at] ? host : { ...host, networkCapacityBytesPerSecond: 0 })),
  );

test("gainAtMost() is no less than the gain of a move to any of the hosts", () => {
  fc.assert(
    fc.property(hostsOfAnyLinks, anyVms({ min: 1, max: 4 }), (hosts, vms) => {
      const [from, ...others] = hosts;
      if (!from) return;
      const scale = scaleOf(hosts);
      const extremes = extremesOf(others);
      for (const vm of vms) {
        const most = gainAtMost(vm, from, extremes, { scale, weights });
        for (const to of others.filter(({ draining }) => !draining)) {
          expect(gainOf(vm, from, to, { scale, weights })).toBeLessThanOrEqual(most);
        }
      }
    }),
  );
});

test("gainAtMost() is exact where one host is the least utilised and the largest", () => {
  const from = hostFigures("a", { cpuCores: 8 });
  const to = hostFigures("b", { cpuCores: 2 });
  const options = { scale: scaleOf([from, to]), weights };
  const vm = vmFigures("web", { cpuCores: 2 });
  const gain = gainOf(vm, from, to, options);
  expect(gain).toBeGreaterThan(0);
  expect(gainAtMost(vm, from, extremesOf([to]), options)).toBeCloseTo(gain, 11);
});

test("gainAtMost() is a loss where nobody may take a VM", () => {
  const from = hostFigures("a", { cpuCores: 8 });
  const options = { scale: scaleOf([from]), weights };
  for (const hosts of [[], [hostFigures("b", { draining: true })]]) {
    const most = gainAtMost(vmFigures("web"), from, extremesOf(hosts), options);
    expect(most).toBe(Number.NEGATIVE_INFINITY);
  }
});

test("joinedExtremes() are those of all hosts together", () => {
  fc.assert(
    fc.property(anyHosts(some), hostsOfAnyLinks, (these, those) => {
      const joined = joinedExtremes(extremesOf(these), extremesOf(those));
      expect(joined).toEqual(extremesOf([...these, ...those]));
    }),
  );
});
