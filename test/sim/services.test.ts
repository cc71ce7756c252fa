/** Services as documents: the same on every host, over restarts, and again after a partition. */
import { describe, expect, it } from "vitest";
import { Node } from "#lib/core/node.ts";
import type { HostId } from "#lib/model/ids.ts";
import type { ServiceSpec } from "#lib/model/service.ts";
import type { Verb } from "#lib/model/verb.ts";
import type { CheckedWorld } from "#lib/simulation/checked-world.ts";
import { joinedWorld, mustDo, smallHost } from "#lib/simulation/sim-cluster.ts";
import { ConstantWorkload } from "#lib/simulation/workload.ts";
import { serviceSpecOf } from "../support/declared-service.ts";

const seeds = [1, 2, 3, 4, 5];
/** News takes a second; what it misses rides on push-pull, a neighbour a second. */
const spreadMsMax = 5_000;
/** The figure of healing is 10 s for membership; documents follow with the next exchange. */
const healMsMax = 15_000;
const apartMs = 30_000;

type ThreeHosts = readonly [HostId, HostId, HostId];

function worldOf(seed: number): { world: CheckedWorld; hosts: ThreeHosts } {
  const world = joinedWorld({
    seed,
    scenario: "services",
    makeNode: (options) => new Node(options),
    hosts: [smallHost, smallHost, smallHost],
    workload: new ConstantWorkload({ cpuCores: 0.1 }),
  });
  return { world, hosts: world.hosts as unknown as ThreeHosts };
}

function apply(name: string, changes: Partial<ServiceSpec> = {}): Verb {
  return { verb: "serviceApply", spec: serviceSpecOf(name, changes) };
}

const deleteWeb: Verb = { verb: "serviceDelete", service: "web" };

function servicesAt(world: CheckedWorld, host: HostId) {
  return world.snapshotOf(host)?.services ?? [];
}

/** "web 3 declared", one for each service. */
function linesAt(world: CheckedWorld, host: HostId): readonly string[] {
  return servicesAt(world, host).map(({ name, version, state }) => `${name} ${version} ${state}`);
}

function agreed(world: CheckedWorld, lines: readonly string[]): () => boolean {
  return () => {
    const shown = world.hosts.map((host) => JSON.stringify(servicesAt(world, host)));
    const [first = ""] = world.hosts;
    return new Set(shown).size === 1 && linesAt(world, first).join() === lines.join();
  };
}

function restartAll(world: CheckedWorld): void {
  for (const host of world.hosts) world.killAgent(host);
  world.runFor(1_000);
  for (const host of world.hosts) world.startAgent(host);
}

describe("a service", () => {
  it.each(seeds)("is the same on all hosts within seconds, whoever writes (seed %i)", (seed) => {
    const { world, hosts } = worldOf(seed);
    mustDo(world, hosts[0], apply("web"));
    mustDo(world, hosts[1], apply("db", { backend: null }));
    expect(world.runUntil(agreed(world, ["db 1 declared", "web 1 declared"]), spreadMsMax)).toBe(
      true,
    );
    expect(servicesAt(world, hosts[2])[1]?.spec).toEqual(serviceSpecOf("web"));
    mustDo(world, hosts[2], { verb: "serviceScale", service: "web", min: 2, max: null });
    mustDo(world, hosts[2], { verb: "serviceDelete", service: "db" });
    expect(world.runUntil(agreed(world, ["db 2 deleted", "web 2 declared"]), spreadMsMax)).toBe(
      true,
    );
    world.settle(10_000);
  });

  it.each(seeds)("is kept over a restart of all hosts at once (seed %i)", (seed) => {
    const { world, hosts } = worldOf(seed);
    mustDo(world, hosts[0], apply("web"));
    mustDo(world, hosts[0], apply("db"));
    mustDo(world, hosts[0], { verb: "serviceDelete", service: "db" });
    const lines = ["db 2 deleted", "web 1 declared"];
    expect(world.runUntil(agreed(world, lines), spreadMsMax)).toBe(true);
    // What is heard is shown at once, and on the disk a moment later.
    world.runFor(1_000);
    restartAll(world);
    // Each from its own journal, before it has heard of anybody.
    for (const host of world.hosts) expect(linesAt(world, host)).toEqual(lines);
    mustDo(world, hosts[1], apply("db"));
    const goesOn = agreed(world, ["db 3 declared", "web 1 declared"]);
    expect(world.runUntil(goesOn, healMsMax)).toBe(true);
  });

  it.each(seeds)("is kept once it was answered, though all die with it (seed %i)", (seed) => {
    const { world, hosts } = worldOf(seed);
    mustDo(world, hosts[0], apply("web"));
    restartAll(world);
    expect(linesAt(world, hosts[0])).toEqual(["web 1 declared"]);
    expect(world.runUntil(agreed(world, ["web 1 declared"]), healMsMax)).toBe(true);
  });
});

/** "web" is declared everywhere, and then the first host is cut off from the others. */
function apartOf(seed: number) {
  const { world, hosts } = worldOf(seed);
  const [alone, second, third] = hosts;
  mustDo(world, alone, apply("web"));
  expect(world.runUntil(agreed(world, ["web 1 declared"]), spreadMsMax)).toBe(true);
  world.links.partition([[alone], [second, third]]);
  world.runFor(apartMs);
  return { world, hosts };
}

describe("services after a partition", () => {
  it.each(seeds)("are those of the side that wrote more versions (seed %i)", (seed) => {
    const {
      world,
      hosts: [alone, second, third],
    } = apartOf(seed);
    mustDo(world, alone, { verb: "serviceScale", service: "web", min: 2, max: 5 });
    mustDo(world, alone, apply("mail"));
    mustDo(world, second, apply("web", { drainMs: 1_000 }));
    mustDo(world, third, apply("shop"));
    world.runFor(spreadMsMax);
    mustDo(world, third, { verb: "serviceScale", service: "web", min: 0, max: 2 });
    world.runFor(spreadMsMax);
    expect(linesAt(world, alone)).toEqual(["mail 1 declared", "web 2 declared"]);
    expect(linesAt(world, second)).toEqual(["shop 1 declared", "web 3 declared"]);
    world.links.healAll();
    const merged = agreed(world, ["mail 1 declared", "shop 1 declared", "web 3 declared"]);
    expect(world.runUntil(merged, healMsMax)).toBe(true);
    const [, , web] = servicesAt(world, alone);
    expect(web?.spec).toMatchObject({ drainMs: 1_000, running: { min: 0, max: 2 } });
    world.settle(10_000);
  });

  it.each(seeds)("are one of the two where both wrote the same version (seed %i)", (seed) => {
    const { world, hosts } = apartOf(seed);
    const [alone, second, third] = hosts;
    mustDo(world, alone, { verb: "serviceScale", service: "web", min: 2, max: 5 });
    mustDo(world, second, deleteWeb);
    const words = [alone, second].map((host) => JSON.stringify(servicesAt(world, host)));
    world.links.healAll();
    const same = () => new Set(hosts.map((host) => linesAt(world, host).join())).size === 1;
    expect(world.runUntil(same, healMsMax)).toBe(true);
    world.runFor(spreadMsMax);
    expect(same()).toBe(true);
    expect(words).toContain(JSON.stringify(servicesAt(world, third)));
    world.settle(10_000);
  });

  it.each(seeds)("do not come back when one side deleted them (seed %i)", (seed) => {
    const {
      world,
      hosts: [alone, second],
    } = apartOf(seed);
    mustDo(world, second, deleteWeb);
    // Whoever slept through it has the old version in its journal.
    world.killAgent(alone);
    world.runFor(1_000);
    world.startAgent(alone);
    expect(linesAt(world, alone)).toEqual(["web 1 declared"]);
    world.links.healAll();
    expect(world.runUntil(agreed(world, ["web 2 deleted"]), healMsMax)).toBe(true);
    mustDo(world, alone, apply("web"));
    expect(world.runUntil(agreed(world, ["web 3 declared"]), spreadMsMax)).toBe(true);
    world.settle(10_000);
  });
});
