import { describe, expect, it } from "vitest";
import { Prng } from "#lib/base/prng.ts";
import { Node } from "#lib/core/node.ts";
import type { HostId } from "#lib/model/ids.ts";
import type { CheckedWorld } from "#lib/simulation/checked-world.ts";
import { disagreement } from "#lib/simulation/checkers/convergence.ts";
import { Ambushes } from "#lib/simulation/faults/ambushes.ts";
import { Breaker } from "#lib/simulation/faults/breaker.ts";
import { FaultTally } from "#lib/simulation/faults/fault-tally.ts";
import { HostTroubles } from "#lib/simulation/faults/host-trouble.ts";
import { Operator } from "#lib/simulation/faults/operator.ts";
import { RandomFaults } from "#lib/simulation/faults/random-faults.ts";
import { TroubledNode } from "#lib/simulation/faults/troubled-node.ts";
import { addVm, joinedWorld, mustDo, simVmSpec, smallHost } from "#lib/simulation/sim-cluster.ts";
import { ConstantWorkload } from "#lib/simulation/workload.ts";

function broken(seed = 1) {
  const troubles = new HostTroubles();
  const world = joinedWorld({
    seed,
    scenario: "breaker",
    makeNode: (options) => new TroubledNode(new Node(options), options, troubles),
    hosts: [smallHost, smallHost, smallHost],
    workload: new ConstantWorkload({ cpuCores: 0.1 }),
    obeys: (host) => !troubles.of(host).hung,
  });
  const [a, b, c] = world.hosts as [HostId, HostId, HostId];
  addVm(world, a, simVmSpec("web"));
  const tally = new FaultTally();
  const shared = { world, troubles, prng: new Prng(seed), tally };
  return { ...shared, breaker: new Breaker(shared), a, b, c };
}

type Scene = ReturnType<typeof broken>;

const faults: readonly (readonly [kind: string, strike: (scene: Scene) => void])[] = [
  ["agent killed", ({ breaker, a }) => breaker.killAgent(a)],
  ["agent hung", ({ breaker, a }) => breaker.hangAgent(a)],
  ["agent hung, then killed", ({ breaker, a }) => breaker.hangThenKill(a)],
  ["both agents killed at once", ({ breaker, a, b }) => breaker.killBoth(a, b, true)],
  ["both agents killed in turn", ({ breaker, a, b }) => breaker.killBoth(a, b, false)],
  ["both hosts lost power at once", ({ breaker, a, b }) => breaker.losePowerOfBoth(a, b, true)],
  ["both hosts lost power in turn", ({ breaker, a, b }) => breaker.losePowerOfBoth(a, b, false)],
  ["power lost", ({ breaker, a }) => breaker.losePower(a)],
  ["disk lost", ({ breaker, b }) => breaker.loseDisk(b)],
  ["link cut", ({ breaker, a, b }) => breaker.cut(a, b)],
  ["link cut one way", ({ breaker, a, b }) => breaker.cutOneWay(a, b)],
  ["partition", ({ breaker, a, b }) => breaker.partition(a, b)],
  ["guest killed", ({ breaker, a }) => breaker.killGuest(a, "web")],
  ["hypervisor hung", ({ breaker, a }) => breaker.hangHypervisor(a)],
  [
    "journal write failed",
    ({ breaker, world, a }) => {
      breaker.fillJournal(a);
      world.ask(a, { verb: "drain", host: a });
    },
  ],
  ["image directory full", ({ breaker, a }) => breaker.fillImages(a)],
  ["migrations stalled", ({ breaker }) => breaker.stallStreams()],
  ["host fenced by an operator", ({ breaker, c }) => breaker.fence(c)],
];

describe("Breaker", () => {
  it.each(faults)("counts %s, and mends it within its bound", (kind, strike) => {
    const scene = broken();
    strike(scene);
    scene.world.runFor(75_000);
    expect(scene.tally.of(kind)).toBeGreaterThan(0);
    expect(scene.world.links.whole).toBe(true);
    expect(scene.world.stalled).toBe(false);
    for (const host of scene.world.hosts) {
      expect(scene.world.agent(host)?.paused).toBe(false);
      expect(scene.troubles.of(host)).toMatchObject({ hung: false, journalFull: false });
    }
    expect(disagreement(scene.world)).toBeUndefined();
  });

  it("counts no fault that finds nothing to break", () => {
    const { breaker, tally, world, a } = broken();
    world.killAgent(a);
    breaker.killAgent(a);
    breaker.hangAgent(a);
    breaker.killGuest(a, "nobody");
    breaker.killChannels(a);
    expect(tally.total).toBe(0);
  });

  it("strikes no more once it is ended: what it had in hand is mended", () => {
    for (let seed = 1; seed <= 5; seed += 1) {
      const { breaker, tally, world, a, b } = broken(seed);
      breaker.killBoth(a, b, false);
      breaker.hangThenKill(b);
      breaker.end();
      world.runFor(35_000);
      expect(tally.counts()).toEqual({ "both agents killed in turn": 1 });
      expect(world.agent(b)?.paused).toBe(false);
    }
  });
});

describe("Ambushes", () => {
  it("strike a move at its moments, each once", () => {
    const struck = new Set<string>();
    for (let seed = 1; seed <= 25; seed += 1) {
      const scene = broken(seed);
      const ambushes = new Ambushes({ ...scene, meddle: () => struck.add("meddled") });
      for (let count = 0; count < 4; count += 1) ambushes.lay();
      for (let moves = 0; moves < 2; moves += 1) {
        scene.world.ask(scene.a, { verb: "migrate", vm: "web", target: scene.b });
        scene.world.runFor(8_000);
      }
      expect(scene.tally.total).toBeLessThanOrEqual(4 * 3);
      for (const kind of Object.keys(scene.tally.counts())) struck.add(kind);
    }
    expect(struck.size).toBeGreaterThan(8);
  });
});

describe("Operator", () => {
  it("looks at a VM in doubt, switches the other host off, and gives the word", () => {
    let resolved = 0;
    for (let seed = 1; seed <= 6; seed += 1) {
      const scene = broken(seed);
      const { world, a, b } = scene;
      new Operator({ ...scene, vms: ["web"] });
      world.runFor(5_000);
      world.onFact((fact) => {
        const held =
          fact.type === "persisted" && fact.entries.some(({ value }) => /held/.test(value ?? ""));
        if (held) world.clock.after(0, () => world.links.cut(a, b));
      });
      mustDo(world, a, { verb: "migrate", vm: "web", target: b });
      world.runFor(40_000);
      expect(scene.tally.of("host fenced by an operator")).toBe(scene.tally.of("verb resolve"));
      resolved += scene.tally.of("verb resolve");
      world.settle(60_000);
    }
    expect(resolved).toBeGreaterThan(0);
  });
});

describe("RandomFaults", () => {
  function struckBy(until: "the end" | "half of it"): { world: CheckedWorld; total: () => number } {
    const scene = broken(3);
    const faults = new RandomFaults({ ...scene, vms: ["web"], lastMs: 60_000 });
    let struck = 0;
    scene.world.onFact((fact) => {
      if (fact.type === "faultStruck") struck += 1;
    });
    scene.world.runFor(until === "the end" ? 60_000 : 30_000);
    faults.end();
    const sum = () => struck;
    return { world: scene.world, total: sum };
  }

  it("strike, and stop when they are told to", () => {
    const { world, total } = struckBy("half of it");
    const before = total();
    expect(before).toBeGreaterThan(0);
    world.runFor(60_000);
    expect(total()).toBe(before);
    world.settle(60_000);
    expect(struckBy("the end").total()).toBeGreaterThan(before);
  });
});
