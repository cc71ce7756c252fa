/**
 * Stewards of a small cluster through losses, partitions and healings, on gossip that is late and
 * lossy: however it went, each side has soon as many members running as it should, and keeps them.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { Prng } from "#lib/base/prng.ts";
import { serviceSpec } from "../../support/service-fixture.ts";
import { silentRoundsMax, type TinyHost, TinyServices } from "../../support/tiny-services.ts";

/** Suspicion, a look, a resume; for surplus also the drain. Each may be late by a lost message. */
const roundsToConverge = 25;
const settleMs = 15_000;

type Fault = (cluster: TinyServices) => void;

const faults: fc.Arbitrary<Fault> = fc.oneof(
  fc.nat().map((at) => (cluster: TinyServices) => {
    const host = hostAt(cluster, at);
    if (host.up) cluster.kill(host);
  }),
  fc.nat().map((at) => (cluster: TinyServices) => {
    hostAt(cluster, at).up = true;
  }),
  fc.constant((cluster: TinyServices) => killSteward(cluster)),
  fc.nat().map((mask) => (cluster: TinyServices) => {
    for (const [at, host] of cluster.hosts.entries()) host.side = (mask >> at) & 1;
  }),
  fc.constant((cluster: TinyServices) => {
    for (const host of cluster.hosts) host.side = 0;
  }),
  fc.nat().map((at) => (cluster: TinyServices) => {
    const host = hostAt(cluster, at);
    if (host.state === "running") host.outdated = true;
  }),
  fc.double({ min: 0, max: 3, noNaN: true }).map((load) => (cluster: TinyServices) => {
    cluster.load = load;
  }),
);

const script = fc.array(fc.tuple(faults, fc.integer({ min: 1, max: 12 })), {
  minLength: 1,
  maxLength: 8,
  size: "max",
});

test("Steward brings each side between min and max in bounded time, whatever happened", () => {
  const setting = fc.record({
    seed: fc.integer(),
    hosts: fc.integer({ min: 1, max: 7 }),
    min: fc.integer({ min: 0, max: 2 }),
    more: fc.integer({ min: 0, max: 3 }),
  });
  fc.assert(
    fc.property(setting, script, ({ seed, hosts, min, more }, steps) => {
      const running = { min, max: Math.max(1, min + more) };
      const spec = serviceSpec({ running, settleMs });
      const cluster = new TinyServices(new Prng(seed), spec, hosts);
      for (const [fault, rounds] of steps) {
        fault(cluster);
        for (let round = 0; round < rounds; round++) cluster.step();
      }
      for (let round = 0; round < roundsToConverge; round++) cluster.step();
      for (let round = 0; round < 30; round++) {
        cluster.step();
        for (const side of cluster.sides()) expectBetween(cluster, side);
      }
    }),
    { numRuns: 300 },
  );
});

function expectBetween(cluster: TinyServices, side: number): void {
  const { min, max } = cluster.spec.running;
  const there = cluster.hosts.filter((host) => host.up && host.side === side);
  const count = cluster.running(side).length;
  expect(count).toBeGreaterThanOrEqual(Math.min(min, there.length));
  // Where none may be missing, one more stands in for one that is replaced.
  const replaced = there.some(({ outdated }) => outdated) && min === max ? 1 : 0;
  expect(count).toBeLessThanOrEqual(max + replaced);
}

function killSteward(cluster: TinyServices): void {
  const acting = cluster.granted[0]?.steward;
  const host = cluster.hosts.find(({ id }) => id === acting);
  if (host) cluster.kill(host);
}

function hostAt(cluster: TinyServices, at: number): TinyHost {
  return cluster.hosts[at % cluster.hosts.length] as TinyHost;
}

function clusterOf(running: { min: number; max: number }, hosts = 6): TinyServices {
  return new TinyServices(new Prng(7), serviceSpec({ running, settleMs }), hosts);
}

function steps(cluster: TinyServices, rounds: number): void {
  for (let round = 0; round < rounds; round++) cluster.step();
}

test("Steward restores min within 6 rounds of the suspicion, though all that ran are lost with it", () => {
  const cluster = clusterOf({ min: 2, max: 4 });
  steps(cluster, 5);
  expect(cluster.running(0)).toHaveLength(2);
  for (const host of cluster.running(0)) cluster.kill(host);
  steps(cluster, silentRoundsMax + 6);
  expect(cluster.running(0).length).toBeGreaterThanOrEqual(2);
});

test("Steward keeps min on each side of a partition, and takes the surplus away after healing", () => {
  const most = { surplus: 0 };
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 0, max: 2 }), (seed, more) => {
      const running = { min: 2, max: 2 + more };
      const spec = serviceSpec({ running, settleMs });
      const cluster = new TinyServices(new Prng(seed), spec, 6);
      steps(cluster, 12);
      for (const [at, host] of cluster.hosts.entries()) host.side = at % 2;
      steps(cluster, 25);
      expect(cluster.running(0).length).toBeGreaterThanOrEqual(2);
      expect(cluster.running(1).length).toBeGreaterThanOrEqual(2);
      for (const host of cluster.hosts) host.side = 0;
      most.surplus = Math.max(most.surplus, cluster.running(0).length - running.max);
      for (let round = 0; round < 25; round++) {
        cluster.step();
        expect(cluster.running(0).length).toBeGreaterThanOrEqual(2);
      }
      expect(cluster.running(0).length).toBeLessThanOrEqual(running.max);
    }),
    { numRuns: 300 },
  );
  expect(most.surplus).toBeGreaterThanOrEqual(2);
});

test("Steward replaces what runs from an old template, and never has fewer than min", () => {
  for (const running of [
    { min: 2, max: 4 },
    { min: 2, max: 2 },
    { min: 1, max: 1 },
  ]) {
    const cluster = clusterOf(running);
    steps(cluster, 5);
    for (const host of cluster.running(0)) host.outdated = true;
    for (let round = 0; round < 60; round++) {
      cluster.step();
      expect(cluster.running(0).length).toBeGreaterThanOrEqual(running.min);
      expect(cluster.running(0).length).toBeLessThanOrEqual(Math.max(running.max, running.min + 1));
    }
    expect(cluster.hosts.filter(({ outdated }) => outdated)).toEqual([]);
  }
});

test("Steward empties a drained host of its member", () => {
  const cluster = clusterOf({ min: 1, max: 1 });
  steps(cluster, 5);
  const [before] = cluster.running(0);
  if (!before) throw new Error("none runs");
  before.draining = true;
  steps(cluster, 15);
  expect(before.state).toBe("suspended");
  expect(cluster.running(0)).toHaveLength(1);
});

test("Steward meets a crowd at once, and sends the members home when it has gone", () => {
  const cluster = clusterOf({ min: 1, max: 6 });
  steps(cluster, 5);
  cluster.load = 2.4;
  steps(cluster, 20);
  expect(cluster.running(0)).toHaveLength(5);
  cluster.load = 0.1;
  let last = 5;
  for (let round = 0; round < 200; round++) {
    cluster.step();
    const count = cluster.running(0).length;
    expect(last - count).toBeLessThanOrEqual(1);
    last = count;
  }
  expect(last).toBe(1);
});
