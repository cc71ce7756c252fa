import { expect, test } from "vitest";
import { Prng } from "#lib/base/prng.ts";
import { sampleTargets } from "#lib/election/sample-targets.ts";
import { hostFigures } from "../../support/planning-figures.ts";

const hosts = Array.from({ length: 100 }, (_, i) => hostFigures(`node-${i}`));

test("sampleTargets() draws afresh each time, never the same host twice", () => {
  const prng = new Prng(1);
  const first = sampleTargets(prng, hosts, { count: 16 });
  expect(new Set(first).size).toBe(16);
  expect(sampleTargets(prng, hosts, { count: 16 })).not.toEqual(first);
});

test("sampleTargets() leaves out hosts that are draining or have no free slot", () => {
  const some = [
    hostFigures("busy", { freeSlotsIn: 0 }),
    hostFigures("leaving", { draining: true }),
    hostFigures("open"),
  ];
  const drawn = sampleTargets(new Prng(1), some, { count: 16, wanted: ["busy", "leaving"] });
  expect(drawn.map(({ name }) => name)).toEqual(["open"]);
});

test("sampleTargets() always has the wanted hosts, once, and bounded in number", () => {
  const drawn = sampleTargets(new Prng(1), hosts, { count: 4, wanted: ["node-98", "gone"] });
  expect(drawn[0]?.name).toBe("node-98");
  expect(new Set(drawn).size).toBe(5);
  const all = hosts.map(({ name }) => name);
  expect(sampleTargets(new Prng(1), hosts, { count: 4, wanted: all })).toHaveLength(8);
});
