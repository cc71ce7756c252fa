/** VMs of one affinity group, with real cores: brought together, kept together, moved together. */
import { describe, expect, it } from "vitest";
import { Prng } from "#lib/base/prng.ts";
import { Node } from "#lib/core/node.ts";
import type { HostId } from "#lib/model/ids.ts";
import { CheckedWorld } from "#lib/simulation/checked-world.ts";
import { mustDo, simVmSpec, smallHost } from "#lib/simulation/sim-cluster.ts";
import { ConstantWorkload, NoisyWorkload } from "#lib/simulation/workload.ts";

const timeout = 120_000;
const seeds = [1, 2, 3, 4, 5];

function worldOf(seed: number, hosts: number): CheckedWorld {
  const workload = new ConstantWorkload({ cpuCores: 0.05 });
  const world = new CheckedWorld({
    seed,
    scenario: "affinity",
    hosts: Array.from({ length: hosts }, () => smallHost),
    workload: new NoisyWorkload(workload, 0.1, new Prng(`load.${seed}`)),
    makeNode: (options) => new Node(options),
  });
  return world;
}

/** Acts once all know each other: before, a group may gather at the largest part known by then. */
function run(world: CheckedWorld, ms: number): void {
  world.startAll();
  world.runFor(10_000);
  mustDo(world, world.hosts[0] as HostId, { verb: "mode", mode: "act" });
  world.runFor(ms);
}

function place(world: CheckedWorld, host: number, names: readonly string[], group: string | null) {
  for (const name of names) {
    const spec = simVmSpec(name);
    const policy = { ...spec.policy, affinityGroup: group };
    world.placeVm(world.hosts[host] as HostId, { ...spec, policy });
  }
}

/** Host numbers of the group's VMs, by name. */
function placesOf(world: CheckedWorld, names: readonly string[]): number[] {
  return names.map((name) =>
    world.machines.findIndex(({ host }) => (host.copy(name)?.sinceMs ?? null) !== null),
  );
}

function countMoves(world: CheckedWorld, names: readonly string[]): () => number {
  let moves = 0;
  world.onFact((fact) => {
    if (fact.type !== "copyChanged" || fact.change.after?.state !== "received") return;
    if (names.includes(fact.change.vm)) moves += 1;
  });
  return () => moves;
}

describe("an affinity group", { timeout }, () => {
  it.each(seeds)("that is torn apart gathers with the fewest moves, for good (seed %i)", (seed) => {
    const world = worldOf(seed, 4);
    const names = ["w1", "w2", "w3", "w4"];
    place(world, 0, ["w1"], "web");
    place(world, 1, ["w2", "w3"], "web");
    place(world, 2, ["w4"], "web");
    const moves = countMoves(world, names);
    run(world, 180_000);
    expect(placesOf(world, names)).toEqual([1, 1, 1, 1]);
    expect(moves()).toBe(2);
  });

  it.each(seeds)("of two equal halves never changes places (seed %i)", (seed) => {
    const world = worldOf(seed, 2);
    place(world, 0, ["w1"], "web");
    place(world, 1, ["w2"], "web");
    const moves = countMoves(world, ["w1", "w2"]);
    run(world, 180_000);
    expect(placesOf(world, ["w1", "w2"])).toEqual([0, 0]);
    expect(moves()).toBe(1);
  });

  it.each(seeds)("stays whole while its crowded host is relieved of others (seed %i)", (seed) => {
    const world = worldOf(seed, 3);
    const names = ["w1", "w2", "w3"];
    place(world, 0, names, "web");
    place(world, 0, ["a", "b", "c", "d", "e"], null);
    const moves = countMoves(world, names);
    run(world, 180_000);
    expect(moves()).toBe(0);
    expect(placesOf(world, ["a", "b", "c", "d", "e"]).filter((host) => host !== 0).length).toBe(5);
  });

  it.each(seeds)("leaves a draining host for one other, all of it (seed %i)", (seed) => {
    const world = worldOf(seed, 4);
    const names = ["w1", "w2", "w3"];
    place(world, 0, names, "web");
    place(world, 2, ["a", "b"], null);
    run(world, 10_000);
    const moves = countMoves(world, names);
    const [first = ""] = world.hosts;
    mustDo(world, first, { verb: "drain", host: first });
    world.runFor(120_000);
    const [place1, ...rest] = placesOf(world, names);
    expect(place1).toBeGreaterThan(0);
    expect(rest).toEqual([place1, place1]);
    expect(moves()).toBe(3);
  });
});
