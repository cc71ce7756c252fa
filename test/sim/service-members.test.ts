/** Services as their members: staged everywhere, resumed by demand, replaced when a host is lost. */
import { describe, expect, it, vi } from "vitest";
import { Prng } from "#lib/base/prng.ts";
import { Node } from "#lib/core/node.ts";
import type { HostId } from "#lib/model/ids.ts";
import type { VmLoad } from "#lib/model/load.ts";
import type { ServiceSpec } from "#lib/model/service.ts";
import type { VmSpec } from "#lib/model/vm-spec.ts";
import { memberNameOf } from "#lib/services/member-name.ts";
import type { CheckedWorld } from "#lib/simulation/checked-world.ts";
import { joinedWorld, mustDo, simVmSpec, smallHost } from "#lib/simulation/sim-cluster.ts";
import { SimHostError } from "#lib/simulation/sim-host-error.ts";
import { ConstantWorkload } from "#lib/simulation/workload.ts";
import { serviceSpecOf } from "../support/declared-service.ts";

const seeds = [1, 2, 3];
const hostCount = 3;
const mebibyte = 2 ** 20;
/** Staged one after the other at worst: boot, health check, suspend. */
const stagedMsMax = 30_000;
const bigHost = { ...smallHost, cpuCapacityCores: 4, memoryCapacityBytes: 4096 * mebibyte };

/** Clients of one service: so many sessions, so much CPU, shared by the members that run. */
class Crowd {
  sessions = 3;
  cpuCores = 0.3;
  world: CheckedWorld | undefined;
  readonly stepMs = 0;

  loadOf(spec: VmSpec): VmLoad {
    const base = new ConstantWorkload({ cpuCores: 0.1 }).loadOf(spec);
    if (!this.world) return base;
    const share = this.cpuCores / Math.max(1, runningHosts(this.world).length);
    return { ...base, cpuCores: Math.min(spec.vcpus, share) };
  }
}

function memberAt(world: CheckedWorld, host: HostId) {
  const name = memberNameOf("web", host);
  return name === null ? undefined : world.machine(host).host.copy(name);
}

function hostsWith(world: CheckedWorld, state: string): readonly HostId[] {
  return world.hosts.filter((host) => memberAt(world, host)?.state === state);
}

function runningHosts(world: CheckedWorld): readonly HostId[] {
  return hostsWith(world, "running");
}

/** Hosts whose member the switch of `at` sends requests to. */
function readyAt(world: CheckedWorld, at: HostId): readonly HostId[] {
  return world.hosts.filter((host) => world.switchOf(at)?.sends(memberNameOf("web", host) ?? ""));
}

function webSpec(changes: Partial<ServiceSpec> = {}): ServiceSpec {
  return serviceSpecOf("web", {
    hosts: Object.fromEntries(
      Array.from({ length: hostCount }, (_, at) => [
        `host-${at + 1}`,
        { address: `10.1.7.${at + 1}` },
      ]),
    ),
    drainMs: 5_000,
    settleMs: 10_000,
    ...changes,
  });
}

function serving(seed: number, changes: Partial<ServiceSpec> = {}) {
  const crowd = new Crowd();
  const world = joinedWorld({
    seed,
    scenario: "service-members",
    makeNode: (options) => new Node(options),
    hosts: Array.from({ length: hostCount }, () => bigHost),
    workload: crowd,
    hostingOf: () => ({ overlayFolder: "/srv/members", diskBytesMax: 2 ** 33, hasSwitch: true }),
    sessionDemand: () => crowd.sessions,
  });
  crowd.world = world;
  const [first = ""] = world.hosts;
  mustDo(world, first, { verb: "mode", mode: "act" });
  mustDo(world, first, { verb: "serviceApply", spec: webSpec(changes) });
  return { world, crowd, first };
}

function settledOn(world: CheckedWorld, count: number): () => boolean {
  return () => {
    const running = runningHosts(world);
    const staged = running.length + hostsWith(world, "suspended").length;
    const alike = world.hosts.every(
      (host) => !world.agent(host) || readyAt(world, host).join() === running.join(),
    );
    return running.length === count && staged === hostCount && alike;
  };
}

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

function settled(seed: number, changes: Partial<ServiceSpec> = {}) {
  const all = serving(seed, changes);
  expect(all.world.runUntil(settledOn(all.world, changes.running?.min ?? 1), stagedMsMax)).toBe(
    true,
  );
  return all;
}

/** Runs and counts how often the number of running members changed. */
function changesWithin(world: CheckedWorld, ms: number): number {
  let changes = 0;
  let count = runningHosts(world).length;
  world.runUntil(() => {
    const now = runningHosts(world).length;
    if (now !== count) changes += 1;
    count = now;
    return false;
  }, ms);
  return changes;
}

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

describe("a member", () => {
  it("is no VM for operators, anywhere, and its memory counts where it runs", () => {
    const { world, first } = settled(1);
    const [at = ""] = runningHosts(world);
    const vm = memberNameOf("web", at) ?? "";
    for (const host of world.hosts) {
      for (const verb of [
        { verb: "stop", vm, force: true },
        { verb: "suspend", vm },
        { verb: "migrate", vm, target: first },
        { verb: "define", spec: simVmSpec(vm) },
      ] as const) {
        const reply = world.ask(host, verb);
        world.runFor(1_000);
        expect(reply()).toMatchObject({
          status: 409,
          message: `${vm} is a member of service web: use 'evenkeel service'`,
        });
      }
    }
    const snapshot = world.snapshotOf(first);
    expect(snapshot?.vms).toEqual([]);
    expect(snapshot?.alarms).toEqual([]);
    const used = (host: HostId) =>
      snapshot?.members.find((member) => member.host === host)?.summary?.projectedMemoryBytes ?? 0;
    const idle = world.hosts.find((host) => host !== at) ?? "";
    expect(used(at) - used(idle)).toBe(256 * mebibyte);
  });

  it.each(seeds)("that cannot be suspended serves on, and says why (seed %i)", (seed) => {
    const { world, crowd, first } = settled(seed, { running: { min: 1, max: 2 } });
    crowd.cpuCores = 0.9;
    expect(world.runUntil(settledOn(world, 2), 10_000)).toBe(true);
    for (const { host } of world.machines) {
      vi.spyOn(host, "suspend").mockImplementation(() => {
        throw new SimHostError("VM_STATE", "no space left on the disk");
      });
    }
    crowd.cpuCores = 0.3;
    const said = () => {
      const members = world.snapshotOf(first)?.services[0]?.life?.members ?? [];
      return members.some(({ obstacle }) => obstacle.includes("no space left on the disk"));
    };
    expect(world.runUntil(said, 90_000)).toBe(true);
    world.runFor(30_000);
    expect(runningHosts(world)).toHaveLength(2);
    vi.restoreAllMocks();
    expect(world.runUntil(settledOn(world, 1), 600_000)).toBe(true);
  });

  it.each(seeds)("whose agent dies while it is suspended is there afterwards (seed %i)", (seed) => {
    const { world, crowd } = settled(seed, { running: { min: 1, max: 2 } });
    crowd.cpuCores = 0.9;
    expect(world.runUntil(settledOn(world, 2), 10_000)).toBe(true);
    crowd.cpuCores = 0.3;
    let dying = "";
    world.onFact((fact) => {
      if (fact.type !== "stepped" || dying !== "") return;
      const ops = fact.effects.flatMap((effect) => (effect.type === "run" ? [effect.op.op] : []));
      if (ops.includes("suspend")) dying = fact.host;
    });
    expect(world.runUntil(() => dying !== "", 90_000)).toBe(true);
    world.killAgent(dying);
    world.runFor(2_000);
    world.startAgent(dying);
    expect(world.runUntil(settledOn(world, 1), 60_000)).toBe(true);
    world.settle(10_000);
  });

  it.each(seeds)("is resumed though its steward dies over it (seed %i)", (seed) => {
    const { world, crowd } = settled(seed);
    let steward = "";
    world.onFact((fact) => {
      if (fact.type === "sent" && fact.message.type === "scale") steward = fact.host;
    });
    // Two more are needed: one of them is on another host than the steward.
    crowd.cpuCores = 1.5;
    expect(world.runUntil(() => steward !== "", 10_000)).toBe(true);
    world.killAgent(steward);
    expect(world.runUntil(() => runningHosts(world).length >= 2, 10_000)).toBe(true);
    world.startAgent(steward);
    expect(world.runUntil(settledOn(world, 3), 30_000)).toBe(true);
    world.settle(10_000);
  });
});

describe("members under random faults", () => {
  it.each(Array.from({ length: 12 }, (_, at) => at + 1))("keep all rules (seed %i)", (seed) => {
    const { world, crowd } = settled(seed, { running: { min: 1, max: 2 } });
    const prng = new Prng(`faults.${seed}`);
    const pick = () => world.hosts[prng.nextInt(world.hosts.length)] ?? "";
    const faults = [
      () => world.killAgent(pick()),
      () => world.crashHost(pick()),
      () => world.crashHost(pick(), true),
      () => world.pauseAgent(pick()),
      () => world.links.partition([[pick()], world.hosts]),
      () => {
        const host = pick();
        world.killGuest(host, memberNameOf("web", host) ?? "");
      },
      () => {
        crowd.cpuCores = prng.nextShare() * 1.5;
      },
      () => world.healAll(),
    ];
    world.guarded(() => {
      for (let strike = 0; strike < 25; strike += 1) {
        faults[prng.nextInt(faults.length)]?.();
        world.runFor(prng.nextShare() * 4_000);
      }
      crowd.cpuCores = 0.3;
      world.healAll();
      expect(world.runUntil(settledOn(world, 1), 600_000)).toBe(true);
      world.settle(20_000);
    });
  });
});
