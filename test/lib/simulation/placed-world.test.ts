/** What a world can be given before its agents start: guests that run, and the operator's word. */
import { describe, expect, it } from "vitest";
import { Node } from "#lib/core/node.ts";
import { CheckedWorld } from "#lib/simulation/checked-world.ts";
import { simVmSpec, smallHost } from "#lib/simulation/sim-cluster.ts";
import { ConstantWorkload } from "#lib/simulation/workload.ts";

function worldOf(hosts: number) {
  return new CheckedWorld({
    seed: 1,
    scenario: "placed",
    hosts: Array.from({ length: hosts }, (_, index) => ({ ...smallHost, name: `h${index}` })),
    workload: new ConstantWorkload({ cpuCores: 0.1 }),
    makeNode: (options) => new Node(options),
  });
}

describe("SimWorld.placeVm", () => {
  it("lets an agent find a guest that it owns and that has run all along", () => {
    const world = worldOf(2);
    const [a = "", b = ""] = world.hosts;
    world.placeVm(a, simVmSpec("web"));
    world.startAll();
    world.runFor(3_000);
    const [vm] = world.snapshotOf(a)?.vms ?? [];
    expect(vm).toMatchObject({ name: "web", state: "running", version: 1 });
    expect(world.machine(a).host.copy("web")).toMatchObject({ state: "running", sinceMs: 0 });
    expect(world.machine(b).host.copies()).toEqual([]);
    expect(world.snapshotOf(a)?.alarms).toEqual([]);
  });

  it("gives hosts the names that they are asked to have", () => {
    expect(worldOf(2).machines.map(({ name }) => name)).toEqual(["h0", "h1"]);
  });
});

describe("SimWorld.presetMode", () => {
  it("lets agents act from their first second", () => {
    const world = worldOf(3);
    const [a = ""] = world.hosts;
    world.presetMode("act");
    for (const name of ["a", "b", "c"]) world.placeVm(a, simVmSpec(name));
    world.startAll();
    expect(world.snapshotOf(a)?.mode).toBe("act");
    world.runFor(60_000);
    expect(world.machine(a).host.copies().length).toBeLessThan(3);
  });
});

describe("SimWorld.admissionRefusal", () => {
  it("bars every move while it gives a reason", () => {
    const world = worldOf(3);
    const [a = ""] = world.hosts;
    let asked = 0;
    world.admissionRefusal = () => {
      asked += 1;
      return "no more";
    };
    world.presetMode("act");
    for (const name of ["a", "b", "c"]) world.placeVm(a, simVmSpec(name));
    world.startAll();
    world.runFor(60_000);
    expect(asked).toBeGreaterThan(0);
    expect(world.machine(a).host.copies()).toHaveLength(3);
  });
});
