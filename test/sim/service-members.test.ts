/** Services as their members: staged everywhere, resumed by demand, replaced when a host is lost. */
import { describe, expect, it } from "vitest";
import { mustDo } from "#lib/simulation/sim-cluster.ts";
import {
  changesWithin,
  hostCount,
  mebibyte,
  memberAt,
  readyAt,
  runningHosts,
  serving,
  settled,
  settledOn,
  stagedMsMax,
  webSpec,
} from "../support/service-world.ts";

const seeds = [1, 2, 3];

describe("a service's members", () => {
  it.each(seeds)("are staged on all hosts, and the least number runs (seed %i)", (seed) => {
    const { world, first } = serving(seed);
    let most = 0;
    const isSettled = settledOn(world, 1);
    const counted = () => {
      const runs = world.snapshotOf(first)?.services[0]?.life?.members ?? [];
      most = Math.max(most, runs.filter(({ state }) => state === "running").length);
      return isSettled();
    };
    expect(world.runUntil(counted, stagedMsMax)).toBe(true);
    expect(changesWithin(world, 30_000)).toBe(0);
    expect(isSettled()).toBe(true);
    // Nobody was resumed for those who waited before there was anybody.
    expect(most).toBe(1);
    world.settle(10_000);
  });
});

describe("demand", () => {
  it.each(seeds)("resumes members at once, and calm suspends them (seed %i)", (seed) => {
    const { world, crowd } = settled(seed);
    crowd.cpuCores = 1.5;
    expect(world.runUntil(settledOn(world, 3), 8_000)).toBe(true);
    crowd.cpuCores = 0.3;
    expect(world.runUntil(settledOn(world, 1), 90_000)).toBe(true);
    world.settle(10_000);
  });

  it.each(seeds)("counted in sessions does the same (seed %i)", (seed) => {
    const target = { kind: "sessions", perMember: 10 } as const;
    const { world, crowd } = settled(seed, { target });
    crowd.sessions = 8;
    expect(world.runUntil(settledOn(world, 3), 8_000)).toBe(true);
    crowd.sessions = 1;
    expect(world.runUntil(settledOn(world, 1), 90_000)).toBe(true);
  });

  it.each(seeds)("that swings changes nothing (seed %i)", (seed) => {
    const { world, crowd } = settled(seed, { running: { min: 2, max: 3 } });
    let changes = 0;
    for (let at = 0; at < 30; at += 1) {
      crowd.cpuCores = at % 2 === 0 ? 0.6 : 0.9;
      changes += changesWithin(world, 10_000);
    }
    expect(changes).toBeLessThanOrEqual(2);
  });

  it.each(seeds)("changes nothing on hold (seed %i)", (seed) => {
    const { world, crowd, first } = settled(seed);
    mustDo(world, first, { verb: "mode", mode: "hold" });
    world.runFor(2_000);
    crowd.cpuCores = 1.5;
    expect(changesWithin(world, 20_000)).toBe(0);
    mustDo(world, first, { verb: "mode", mode: "act" });
    expect(world.runUntil(settledOn(world, 3), 10_000)).toBe(true);
  });
});

describe("a host that is lost", () => {
  it.each(seeds)("has its member replaced within 5 s (seed %i)", (seed) => {
    const { world } = settled(seed);
    const [lost = ""] = runningHosts(world);
    world.crashHost(lost);
    const replaced = () => {
      const running = runningHosts(world);
      const alive = world.hosts.filter((host) => host !== lost);
      return (
        running.length === 1 &&
        alive.every((host) => readyAt(world, host).includes(running[0] ?? ""))
      );
    };
    expect(world.runUntil(replaced, 5_000)).toBe(true);
    world.startAgent(lost);
    expect(world.runUntil(settledOn(world, 1), 40_000)).toBe(true);
    world.settle(10_000);
  });

  it.each(seeds)("that was everybody's steward is followed by another (seed %i)", (seed) => {
    for (const at of [0, 1, 2]) {
      const { world, crowd } = settled(seed);
      const dead = world.hosts[at] ?? "";
      world.crashHost(dead);
      crowd.cpuCores = 0.9;
      expect(world.runUntil(() => runningHosts(world).length === 2, 8_000)).toBe(true);
    }
  });
});

describe("a partition", () => {
  it.each(seeds)(
    "leaves each side its least, and healing suspends the surplus (seed %i)",
    (seed) => {
      const { world } = settled(seed);
      const [alone = "", ...others] = world.hosts;
      world.links.partition([[alone], others]);
      const bothServe = () => {
        const running = runningHosts(world);
        return running.includes(alone) && running.some((host) => host !== alone);
      };
      expect(world.runUntil(bothServe, 10_000)).toBe(true);
      world.runFor(30_000);
      expect(bothServe()).toBe(true);
      world.links.healAll();
      expect(world.runUntil(settledOn(world, 1), 60_000)).toBe(true);
      world.settle(10_000);
    },
  );
});

describe("an agent that restarts", () => {
  it.each(seeds)("changes nothing at any switch (seed %i)", (seed) => {
    const { world } = settled(seed, { running: { min: 2, max: 3 } });
    const before = readyAt(world, world.hosts[0] ?? "").join();
    for (const host of world.hosts) {
      world.killAgent(host);
      world.runFor(500);
      world.startAgent(host);
      let changed = "";
      world.runUntil(() => {
        for (const at of world.hosts) {
          const now = readyAt(world, at).join();
          if (now !== before) changed = `${at} ${now}`;
        }
        return changed !== "";
      }, 20_000);
      expect(changed).toBe("");
    }
    world.settle(10_000);
  });
});

describe("a service that is deleted", () => {
  it.each(seeds)("leaves nothing on any host (seed %i)", (seed) => {
    const { world, first } = settled(seed);
    mustDo(world, first, { verb: "serviceDelete", service: "web" });
    const isGone = () => world.hosts.every((host) => memberAt(world, host) === undefined);
    expect(world.runUntil(isGone, 20_000)).toBe(true);
    expect(world.hosts.flatMap((host) => readyAt(world, host))).toEqual([]);
    mustDo(world, first, { verb: "serviceApply", spec: webSpec() });
    expect(world.runUntil(settledOn(world, 1), stagedMsMax)).toBe(true);
  });
});

describe("another template", () => {
  it.each(seeds)(
    "restages one at a time, and the least number serves all along (seed %i)",
    (seed) => {
      const { world, first } = settled(seed);
      const { template } = webSpec();
      const larger = { ...template, memoryBytes: 512 * mebibyte };
      mustDo(world, first, { verb: "serviceApply", spec: webSpec({ template: larger }) });
      let least = hostCount;
      const isNew = () => {
        least = Math.min(least, runningHosts(world).length);
        const all = world.hosts.map((host) => memberAt(world, host)?.spec.memoryBytes);
        return all.every((bytes) => bytes === larger.memoryBytes) && settledOn(world, 1)();
      };
      expect(world.runUntil(isNew, 90_000)).toBe(true);
      expect(least).toBeGreaterThanOrEqual(1);
    },
  );
});

describe("a larger minimum", () => {
  it.each([4, 7, 10, 16, 19, 28])(
    "is met at once though the proposal overtakes the document (seed %i)",
    (seed) => {
      const { world } = settled(seed);
      world.runFor((seed * 137) % 1_500);
      const asked = world.hosts[seed % hostCount] ?? "";
      mustDo(world, asked, { verb: "serviceScale", service: "web", min: 2, max: null });
      expect(world.runUntil(settledOn(world, 2), 1_800)).toBe(true);
    },
  );
});
