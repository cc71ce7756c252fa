import { describe, expect, it } from "vitest";
import { Prng } from "#lib/base/prng.ts";
import { populationSd } from "#lib/base/stats.ts";
import { Node } from "#lib/core/node.ts";
import type { NodeOptions } from "#lib/core/node-options.ts";
import type { HostId } from "#lib/model/ids.ts";
import type { CheckedWorld } from "#lib/simulation/checked-world.ts";
import { quietNetwork } from "#lib/simulation/network-options.ts";
import {
  addVm,
  aliveSeenBy,
  joinedWorld,
  mustDo,
  simVmSpec,
  smallHost,
} from "#lib/simulation/sim-cluster.ts";
import { ConstantWorkload, NoisyWorkload } from "#lib/simulation/workload.ts";

const makeNode = (options: NodeOptions) => new Node(options);
const seeds = [1, 2, 3, 4, 5];
const guests = 8;
/** Virtual time is free, but a starved machine is slow. */
const timeout = 120_000;

/** Three hosts of half a core; eight guests of a little under a tenth crowd the first. */
function crowdedWorld(seed: number, scenario: string): CheckedWorld {
  const load = new ConstantWorkload({ cpuCores: 0.055 });
  const world = joinedWorld({
    seed,
    scenario,
    makeNode,
    hosts: [smallHost, smallHost, smallHost],
    workload: new NoisyWorkload(load, 0.1, new Prng(seed)),
    network: quietNetwork,
  });
  const [first] = world.hosts as [HostId];
  for (let index = 1; index <= guests; index += 1) addVm(world, first, simVmSpec(`g${index}`));
  return world;
}

function guestCounts(world: CheckedWorld): number[] {
  return world.machines.map(({ host }) => host.copies().filter((c) => c.sinceMs !== null).length);
}

function countMoves(world: CheckedWorld): () => number {
  let moves = 0;
  world.onFact((fact) => {
    if (fact.type === "copyChanged" && fact.change.after?.state === "received") moves += 1;
  });
  return () => moves;
}

describe("a crowded host", { timeout }, () => {
  it.each(seeds)("is relieved within 60 s, then nothing moves for 60 s (seed %i)", (seed) => {
    const world = crowdedWorld(seed, "relief");
    const before = populationSd(guestCounts(world));
    const moves = countMoves(world);
    mustDo(world, world.hosts[1] as HostId, { verb: "mode", mode: "act" });
    world.runFor(60_000);
    expect(populationSd(guestCounts(world))).toBeLessThanOrEqual(0.3 * before);
    const made = moves();
    world.runFor(60_000);
    expect(moves()).toBe(made);
    world.settle(10_000);
  });

  it.each(seeds)("is left alone on hold (seed %i)", (seed) => {
    const world = crowdedWorld(seed, "hold");
    const moves = countMoves(world);
    world.runFor(60_000);
    expect(moves()).toBe(0);
  });
});

describe("an agent that starts anew amid a level cluster", { timeout }, () => {
  it.each(seeds)("moves nothing, and nothing is moved to it (seed %i)", (seed) => {
    const world = crowdedWorld(seed, "restarted");
    const moves = countMoves(world);
    mustDo(world, world.hosts[0] as HostId, { verb: "mode", mode: "act" });
    world.runFor(120_000);
    const made = moves();
    for (const host of world.hosts) {
      world.killAgent(host);
      world.runFor(2_000);
      world.startAgent(host);
      world.runFor(20_000);
    }
    expect(moves()).toBe(made);
  });
});

describe("nobody in charge", { timeout }, () => {
  it.each(seeds)("agents killed one after another do not stop the others (seed %i)", (seed) => {
    const world = crowdedWorld(seed, "killed");
    mustDo(world, world.hosts[0] as HostId, { verb: "mode", mode: "act" });
    for (const host of world.hosts) {
      world.runFor(6_000);
      const running = guestCounts(world);
      world.killAgent(host);
      const index = world.hosts.indexOf(host);
      world.runFor(8_000);
      // The guests of the killed agent run on; those that stood still for a move may come back.
      expect(guestCounts(world)[index]).toBeGreaterThanOrEqual((running[index] ?? 0) - 1);
      world.startAgent(host);
    }
    world.runFor(60_000);
    world.ask(world.hosts[0] as HostId, { verb: "mode", mode: "hold" });
    world.settle(30_000);
    expect(guestCounts(world).reduce((a, b) => a + b)).toBe(guests);
    expect(Math.max(...guestCounts(world))).toBeLessThan(guests);
  });

  it.each(seeds)("a killed agent is known to all within 10 s (seed %i)", (seed) => {
    const world = crowdedWorld(seed, "known");
    const [gone, ...others] = world.hosts as [HostId, HostId, HostId];
    world.runFor(5_000);
    world.killAgent(gone);
    const known = () => others.every((host) => aliveSeenBy(world, host) === 2);
    expect(world.runUntil(known, 10_000)).toBe(true);
  });
});

describe("a partition", { timeout }, () => {
  it.each(seeds)("of one from two ends in agreement within 10 s of healing (seed %i)", (seed) => {
    const world = crowdedWorld(seed, "partition");
    const [one, ...two] = world.hosts as [HostId, HostId, HostId];
    mustDo(world, one, { verb: "mode", mode: "act" });
    world.runFor(5_000);
    world.links.partition([[one], two]);
    world.runFor(40_000);
    expect(aliveSeenBy(world, one)).toBe(1);
    for (const host of two) expect(aliveSeenBy(world, host)).toBe(2);
    world.links.healAll();
    const agreed = () => world.hosts.every((host) => aliveSeenBy(world, host) === 3);
    expect(world.runUntil(agreed, 10_000)).toBe(true);
    world.ask(one, { verb: "mode", mode: "hold" });
    world.settle(30_000);
  });
});
