/**
 * Stewards of a small cluster through losses, partitions and healings, on gossip that is late and
 * lossy: however it went, each side has soon as many members running as it should, and keeps them.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { Prng } from "#lib/base/prng.ts";
import { serviceSpec } from "../../support/service-fixture.ts";
import { silentRoundsMax, type TinyHost, TinyServices } from "../../support/tiny-services.ts";

/** Suspicion, one member after another staged anew, resumes, drains; each as late as its news. */
const roundsToConverge = 250;
const settleMs = 15_000;

type Fault = (cluster: TinyServices) => void;

const faults: fc.Arbitrary<Fault> = fc.oneof(
  onHost((cluster, host) => cluster.kill(host)),
  onHost((cluster, host) => cluster.restart(host)),
  onHost((cluster, host) => cluster.declare(host)),
  onHost((_, host) => {
    host.draining = !host.draining;
  }),
  fc.constant((cluster: TinyServices) => killSteward(cluster)),
  onHost((cluster, host) => {
    for (const from of cluster.running(host.side).slice(0, 1)) cluster.shift(from, host);
  }),
  fc.nat().map((mask) => (cluster: TinyServices) => {
    for (const [at, host] of cluster.hosts.entries()) host.side = (mask >> at) & 1;
  }),
  fc.constant((cluster: TinyServices) => {
    for (const host of cluster.hosts) host.side = 0;
  }),
  fc.double({ min: 0, max: 3, noNaN: true }).map((load) => (cluster: TinyServices) => {
    cluster.load = load;
  }),
);

function onHost(fault: (cluster: TinyServices, host: TinyHost) => void): fc.Arbitrary<Fault> {
  return fc.nat().map((at) => (cluster) => fault(cluster, hostAt(cluster, at)));
}

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
      cluster.failShare = 0.1;
      for (const [fault, rounds] of steps) {
        fault(cluster);
        for (let round = 0; round < rounds; round++) cluster.step();
      }
      cluster.failShare = 0;
      for (const host of cluster.hosts) host.draining = false;
      for (let round = 0; round < roundsToConverge; round++) cluster.step();
      for (let round = 0; round < 30; round++) {
        cluster.step();
        for (const side of cluster.sides()) expectBetween(cluster, side);
      }
    }),
    { numRuns: 100 },
  );
});

function expectBetween(cluster: TinyServices, side: number): void {
  const { min, max } = cluster.spec.running;
  const there = cluster.hosts.filter((host) => host.up && host.side === side);
  const count = cluster.running(side).length;
  expect(count).toBeGreaterThanOrEqual(Math.min(min, there.length));
  expect(count).toBeLessThanOrEqual(max);
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
  const cluster = new TinyServices(new Prng(7), serviceSpec({ running, settleMs }), hosts);
  steps(cluster, 15);
  return cluster;
}

function steps(cluster: TinyServices, rounds: number): void {
  for (let round = 0; round < rounds; round++) cluster.step();
}

test("Steward restores min within 6 rounds of the suspicion, though all that ran are lost with it", () => {
  const cluster = clusterOf({ min: 2, max: 4 });
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
    const [first] = cluster.hosts;
    if (first) cluster.declare(first);
    let stagingMost = 0;
    for (let round = 0; round < 300; round++) {
      cluster.step();
      expect(cluster.running(0).length).toBeGreaterThanOrEqual(running.min);
      expect(cluster.running(0).length).toBeLessThanOrEqual(Math.max(running.max, running.min + 1));
      const staging = cluster.hosts.filter(({ model }) => model.member.state === "staging");
      stagingMost = Math.max(stagingMost, staging.length);
    }
    expect(stagingMost).toBe(1);
    const states = cluster.hosts.map(({ model }) => model.member.state);
    expect(new Set(states)).toEqual(new Set(["running", "suspended"]));
    expect(cluster.hosts.filter(({ model }) => model.member.outdated)).toEqual([]);
  }
});

test("Steward empties a drained host of its member", () => {
  const cluster = clusterOf({ min: 1, max: 1 });
  const [before] = cluster.running(0);
  if (!before) throw new Error("none runs");
  before.draining = true;
  steps(cluster, 25);
  expect(before.model.member.state).toBe("suspended");
  expect(cluster.running(0)).toHaveLength(1);
});

test("Steward meets a crowd at once, and sends the members home when it has gone", () => {
  const cluster = clusterOf({ min: 1, max: 6 });
  cluster.load = 2.4;
  steps(cluster, 20);
  expect(cluster.running(0).length).toBeGreaterThanOrEqual(5);
  cluster.load = 0.1;
  let last = cluster.running(0).length;
  for (let round = 0; round < 200; round++) {
    cluster.step();
    const count = cluster.running(0).length;
    expect(last - count).toBeLessThanOrEqual(1);
    last = count;
  }
  expect(last).toBe(1);
});

test("Steward shifts a member again and again, to where it should be, and never has fewer than min", () => {
  for (const running of [
    { min: 1, max: 4 },
    { min: 2, max: 3 },
    { min: 2, max: 2 },
  ]) {
    const cluster = clusterOf(running);
    cluster.load = 0.4;
    let shifted = 0;
    for (let wish = 0; wish < 10; wish++) {
      const [from] = cluster.running(0);
      const to = cluster.hosts.find(({ model }) => model.member.state === "suspended");
      if (!from || !to) continue;
      cluster.shift(from, to);
      for (let round = 0; round < 40; round++) {
        cluster.step();
        const count = cluster.running(0).length;
        expect(count).toBeGreaterThanOrEqual(running.min);
        expect(count).toBeLessThanOrEqual(Math.max(running.max, running.min + 1));
      }
      const isThere = cluster.running(0).includes(to) && !cluster.running(0).includes(from);
      if (isThere) shifted++;
    }
    expect(shifted).toBeGreaterThanOrEqual(9);
  }
});
