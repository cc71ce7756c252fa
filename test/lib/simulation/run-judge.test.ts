import { describe, expect, it } from "vitest";
import { Node } from "#lib/core/node.ts";
import { ModelWorkload } from "#lib/simulation/model-workload.ts";
import { RunJudge } from "#lib/simulation/run-judge.ts";
import { simVmSpec, smallHost } from "#lib/simulation/sim-cluster.ts";
import { SimWorld } from "#lib/simulation/sim-world.ts";
import { lopsidedCluster } from "../../support/small-cluster.ts";

function judgedWorld(hosts: number) {
  const world = new SimWorld({
    seed: 1,
    makeNode: (options) => new Node(options),
    hosts: Array.from({ length: hosts }, () => smallHost),
    workload: new ModelWorkload(new Map()),
  });
  return { world, judge: new RunJudge(world) };
}

describe("RunJudge", () => {
  it.each([2, 301])("writes a violation down once, and the run goes on (%i hosts)", (hosts) => {
    const { world, judge } = judgedWorld(hosts);
    const [a = "", b = ""] = world.hosts;
    world.placeVm(a, simVmSpec("web"));
    expect(judge.count).toBe(0);
    // The very thing that must never be: a second copy that runs.
    world.placeVm(b, simVmSpec("web"));
    expect(judge.told).toContainEqual(
      expect.stringMatching(/^two-running: web runs on .* at once, at 0\.000 s$/),
    );
    const { count } = judge;
    expect(count).toBe(judge.told.length);
    world.killGuest(b, "web");
    world.machine(b).host.start(simVmSpec("web"), 0);
    expect(judge.told.filter((line) => line.startsWith("two-running: web"))).toHaveLength(1);
  });

  it("keeps the first hundred in words and counts the rest", () => {
    const { world, judge } = judgedWorld(2);
    for (let index = 0; index < 120; index++) {
      for (const host of world.hosts) world.placeVm(host, simVmSpec(`vm-${index}`));
    }
    expect(judge.told).toHaveLength(100);
    expect(judge.count).toBeGreaterThanOrEqual(120);
  });
});

describe("ModelWorkload", () => {
  it("asks for what the model says, and for nothing where it says nothing", () => {
    const { vms } = lopsidedCluster(1, 1, { cpuCores: 2.5, dirtyBytesPerSecond: 7 });
    const workload = new ModelWorkload(new Map(vms.map((vm) => ["alias", vm])));
    expect(workload.loadOf(simVmSpec("alias", 99))).toEqual({
      cpuCores: 2.5,
      residentBytes: 99,
      dirtyBytesPerSecond: 7,
      networkBytesPerSecond: null,
    });
    expect(workload.loadOf(simVmSpec("stranger", 99)).cpuCores).toBe(0);
  });
});
