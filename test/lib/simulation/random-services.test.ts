import { describe, expect, it } from "vitest";
import { serviceProblems, switchProblems } from "#lib/services/service-problems.ts";
import { randomServices } from "#lib/simulation/random-services.ts";
import { simServiceSpec } from "#lib/simulation/sim-service.ts";

const seeds = Array.from({ length: 300 }, (_, at) => at + 1);
const hosts = 5;

describe("randomServices", () => {
  it("are there in one run of three, one to three of them, whole, with one or two switches", () => {
    const all = seeds.flatMap((seed) => randomServices(seed, hosts) ?? []);
    expect(all.length).toBeGreaterThan(80);
    expect(all.length).toBeLessThan(120);
    expect(new Set(all.map(({ specs }) => specs.length))).toEqual(new Set([1, 2, 3]));
    for (const { specs, hostingOf } of all) {
      expect(specs.flatMap(serviceProblems)).toEqual([]);
      expect(specs.flatMap(switchProblems)).toEqual([]);
      const switches = Array.from({ length: hosts }, (_, at) => hostingOf(at).hasSwitch);
      expect([1, 2]).toContain(switches.filter((has) => has).length);
    }
  });

  it("are the same for the same seed", () => {
    for (const seed of seeds) {
      expect(randomServices(seed, hosts)?.specs).toEqual(randomServices(seed, hosts)?.specs);
    }
  });
});

describe("simServiceSpec", () => {
  it("has an address of its own for each host", () => {
    const spec = simServiceSpec({ name: "web", hosts: 2, net: 7 }, { drainMs: 5 });
    expect(spec.hosts).toEqual({
      "host-1": { address: "10.1.7.1" },
      "host-2": { address: "10.1.7.2" },
    });
    expect([spec.drainMs, serviceProblems(spec)]).toEqual([5, []]);
  });
});
