import { describe, expect, it } from "vitest";
import { spreadOf, usesOf } from "#lib/simulation/cluster-model.ts";
import { centralGreedy } from "#lib/simulation/reference/central-greedy.ts";
import { SHAPES, sameMake } from "../../../scripts/plans/shapes.ts";

describe.each(Object.entries(SHAPES))("SHAPES %s", (_name, shape) => {
  it("is the same for the same seed, and another for another", () => {
    expect(shape({ hosts: 20, seed: 1 })).toEqual(shape({ hosts: 20, seed: 1 }));
    expect(shape({ hosts: 20, seed: 1 })).not.toEqual(shape({ hosts: 20, seed: 2 }));
  });

  it("fits into memory, with each VM on one of the hosts", () => {
    const model = shape({ hosts: 12, seed: 3 });
    expect(model.hosts).toHaveLength(12);
    for (const [index, { memoryBytes }] of usesOf(model).entries()) {
      expect(memoryBytes).toBeLessThanOrEqual(model.hosts[index]?.memoryCapacityBytes ?? 0);
    }
    const names = new Set(model.hosts.map((host) => host.name));
    expect(model.vms.every((vm) => names.has(vm.host))).toBe(true);
    expect(new Set(model.vms.map((vm) => vm.name)).size).toBe(model.vms.length);
  });
});

describe("sameMake()", () => {
  it("is as uneven as the files that it is modelled on", () => {
    // 100 hosts there: cpuSd .247, memSd .336, fullest host 100 %, 184 moves of the greedy.
    const model = sameMake({ hosts: 100, seed: 1 });
    const { cpuSd, memSd, memMax } = spreadOf(model);
    expect(cpuSd).toBeGreaterThan(0.2);
    expect(cpuSd).toBeLessThan(0.3);
    expect(memSd).toBeGreaterThan(0.3);
    expect(memSd).toBeLessThan(0.38);
    expect(memMax).toBeGreaterThan(0.95);
    expect(Math.abs(centralGreedy(model).moves.length - 184)).toBeLessThan(30);
  });
});

describe("SHAPES already level", () => {
  it("leaves the greedy nothing to do", () => {
    const model = SHAPES["already level"]?.({ hosts: 20, seed: 4 });
    expect(model && centralGreedy(model).moves).toEqual([]);
  });
});
