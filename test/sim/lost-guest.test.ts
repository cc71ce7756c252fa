/** A guest that nobody moves, killed in each of its states: the agents say so. */
import { describe, expect, it } from "vitest";
import { Node } from "#lib/core/node.ts";
import type { Verb } from "#lib/model/verb.ts";
import { addVm, joinedWorld, mustDo, simVmSpec, smallHost } from "#lib/simulation/sim-cluster.ts";
import { ConstantWorkload } from "#lib/simulation/workload.ts";

const cases: readonly (readonly [name: string, before: readonly Verb[], state: string])[] = [
  ["started", [], "lost"],
  [
    "resumed",
    [
      { verb: "suspend", vm: "web" },
      { verb: "resume", vm: "web" },
    ],
    "lost",
  ],
];

describe("a guest that is killed", () => {
  it.each(cases)("after it was %s is told and shown as lost everywhere", (_name, before, state) => {
    const world = joinedWorld({
      seed: 1,
      scenario: "lost-guest",
      makeNode: (options) => new Node(options),
      hosts: [smallHost, smallHost],
      workload: new ConstantWorkload({ cpuCores: 0.1 }),
    });
    const codes: string[] = [];
    world.onFact((fact) => {
      if (fact.type !== "stepped") return;
      for (const effect of fact.effects) {
        if (effect.type === "notice") codes.push(effect.notice.code);
      }
    });
    const [a, b] = world.hosts as [string, string];
    addVm(world, a, simVmSpec("web"));
    for (const verb of before) mustDo(world, a, verb);
    world.runFor(1_000);
    expect(world.killGuest(a, "web")).toBe(true);
    world.runFor(30_000);
    expect(codes).toContain("vm-lost");
    expect(world.snapshotOf(b)?.vms.map((vm) => vm.state)).toEqual([state]);
    mustDo(world, b, { verb: "start", vm: "web" });
    world.settle(10_000);
    expect(world.machine(a).host.copy("web")?.state).toBe("running");
  });
});
