import { describe, expect, it } from "vitest";
import type { NodeOptions } from "#lib/core/node-options.ts";
import { unheardOpId } from "#lib/simulation/faults/planted-bug.ts";
import { plantedBugs } from "#lib/simulation/faults/planted-bugs.ts";
import { serviceBugs } from "#lib/simulation/faults/service-bugs.ts";
import { simVmSpec } from "#lib/simulation/sim-cluster.ts";

const options = { self: "SimHost11111", name: "host-1" } as NodeOptions;
const spec = simVmSpec("web--ost11111");

describe("serviceBugs", () => {
  it("can all be planted by name, each with the words of one rule", () => {
    const rules = Object.values(serviceBugs).map(({ caughtBy, says }) => `${caughtBy}: ${says}`);
    expect(new Set(rules).size).toBe(rules.length);
    expect(Object.keys(plantedBugs)).toEqual(expect.arrayContaining(Object.keys(serviceBugs)));
  });

  it("give orders whose end the core does not hear", () => {
    const twist = serviceBugs["resumes-unasked"]?.twist(options);
    const run = { type: "run", opId: 7, op: { op: "suspend", spec } } as const;
    const ended = { type: "opEnded", opId: 7, result: { ok: true, value: null } } as const;
    expect(twist?.say?.([run], { type: "timeout" }, 0)).toEqual([run]);
    expect(twist?.say?.([], ended, 0)).toEqual([]);
    const resume = { type: "run", opId: unheardOpId, op: { op: "resume", spec } };
    expect(twist?.say?.([], { type: "timeout" }, 20_000)).toEqual([resume]);
  });
});
