import { describe, expect, it } from "vitest";
import { Node } from "#lib/core/node.ts";
import { type FaultKind, faultKinds, planFaults } from "#lib/simulation/fault-plan.ts";
import { simVmSpec, smallHost } from "#lib/simulation/sim-cluster.ts";
import type { SimFact } from "#lib/simulation/sim-fact.ts";
import { SimWorld } from "#lib/simulation/sim-world.ts";
import { ConstantWorkload } from "#lib/simulation/workload.ts";

const kinds = Object.keys(faultKinds) as FaultKind[];

function faultyRun(wanted: readonly FaultKind[], seconds: number) {
  const world = new SimWorld({
    seed: 1,
    makeNode: (options) => new Node(options),
    hosts: Array.from({ length: 5 }, () => smallHost),
    workload: new ConstantWorkload({ cpuCores: 0.1 }),
  });
  const facts: SimFact[] = [];
  world.onFact((fact) => void (fact.type !== "stepped" && facts.push(fact)));
  for (const [index, host] of world.hosts.entries()) world.placeVm(host, simVmSpec(`vm-${index}`));
  world.startAll();
  const log = planFaults({ world, kinds: wanted, seconds, seed: 1 });
  world.runFor(seconds * 1_000);
  return { world, facts, log };
}

describe("planFaults()", () => {
  it.each([
    ["crash", "hostCrashed"],
    ["disk", "hostCrashed"],
    ["hang", "agentPaused"],
    ["restart", "agentKilled"],
    ["partition", "linksChanged"],
    ["link", "linksChanged"],
  ] as const)("lets a %s happen, and mends it", (kind, type) => {
    const { world, facts, log } = faultyRun([kind], 90);
    expect(log).toHaveLength(3);
    expect(log.map((fault) => fault.kind)).toEqual([kind, kind, kind]);
    expect(facts.filter((fact) => fact.type === type).length).toBeGreaterThanOrEqual(3);
    const [a = "", ...others] = world.hosts;
    expect(others.every((host) => world.canTalk(a, host))).toBe(true);
  });

  it("takes every kind that was asked for at least once, however short the run", () => {
    const { log } = faultyRun(kinds, 20);
    expect(new Set(log.map(({ kind }) => kind))).toEqual(new Set(kinds));
    expect(log.every(({ second }) => second > 0 && second <= 16)).toBe(true);
  });

  it("plans nothing where nothing was asked for", () => {
    expect(faultyRun([], 20).log).toEqual([]);
  });

  it("leaves a host without its VMs only when its disk is lost", () => {
    const runningOf = ({ world }: ReturnType<typeof faultyRun>) =>
      world.machines.flatMap(({ host }) => host.copies()).length;
    expect(runningOf(faultyRun(["crash"], 60))).toBe(5);
    expect(runningOf(faultyRun(["disk"], 60))).toBeLessThan(5);
  });
});
