import { describe, expect, it } from "vitest";
import { mustDo } from "#lib/simulation/sim-cluster.ts";
import {
  memberAt,
  runningHosts,
  serving,
  settled,
  settledOn,
  webSpec,
} from "../../support/service-world.ts";

describe("ServiceDesk", () => {
  it("stages and proposes nothing before a fresh agent has had time to hear the others", () => {
    const { world } = serving(1);
    for (const host of world.hosts) world.killAgent(host);
    for (const host of world.hosts) world.startAgent(host);
    const startedMs = world.clock.nowMs;
    const isStaged = () => world.hosts.some((host) => memberAt(world, host) !== undefined);
    expect(world.runUntil(isStaged, 30_000)).toBe(true);
    expect(world.clock.nowMs - startedMs).toBeGreaterThan(3_000);
  });

  it("does nothing for services on a cluster that is on hold, not even stage", () => {
    const { world, first } = serving(1);
    mustDo(world, first, { verb: "mode", mode: "hold" });
    world.runFor(30_000);
    expect(world.hosts.map((host) => memberAt(world, host))).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  it("keeps a changed template for later while the cluster is on hold", () => {
    const { world, first } = settled(1);
    mustDo(world, first, { verb: "mode", mode: "hold" });
    world.runFor(2_000);
    const { template } = webSpec();
    const spec = webSpec({ template: { ...template, vcpus: 2 } });
    mustDo(world, first, { verb: "serviceApply", spec });
    world.runFor(20_000);
    expect(runningHosts(world)).toHaveLength(1);
    const states = () =>
      world.snapshotOf(first)?.services[0]?.life?.members.map(({ state }) => state);
    expect(states()?.sort()).toEqual(["running", "suspended", "suspended"]);
  });

  it("tells what becomes of the member here, in order", () => {
    const { world, first } = serving(1, { running: { min: 3, max: 3 } });
    const told: unknown[] = [];
    world.onFact((fact) => {
      if (fact.type !== "stepped" || fact.host !== first) return;
      for (const effect of fact.effects) {
        if (effect.type !== "notice" || effect.notice.code !== "service-member") continue;
        told.push(effect.notice.facts["state"]);
      }
    });
    expect(world.runUntil(settledOn(world, 3), 30_000)).toBe(true);
    expect(told).toEqual(["staging", "suspended", "resuming", "running"]);
  });
});
