/** Members of services under faults, and in the hands of operators. */
import { describe, expect, it, vi } from "vitest";
import { Prng } from "#lib/base/prng.ts";
import type { HostId } from "#lib/model/ids.ts";
import { memberNameOf } from "#lib/services/member-name.ts";
import { simVmSpec } from "#lib/simulation/sim-cluster.ts";
import { SimHostError } from "#lib/simulation/sim-host-error.ts";
import { hostCount, mebibyte, runningHosts, settled, settledOn } from "../support/service-world.ts";

const seeds = [1, 2, 3];

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
          message: expect.stringContaining(`${vm} is a member of service web and never migrates`),
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
  it.each(Array.from({ length: 40 }, (_, at) => at + 1))("keep all rules (seed %i)", (seed) => {
    const { world, crowd } = settled(seed, { running: { min: 1, max: 2 } });
    const prng = new Prng(`faults.${seed}`);
    const pick = () => world.hosts[prng.nextInt(world.hosts.length)] ?? "";
    const faults = [
      () => world.killAgent(pick()),
      () => world.crashHost(pick()),
      // One disk alone: the document must be left somewhere.
      () => world.crashHost(world.hosts[0] ?? "", true),
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

describe("a link that is cut between a steward and a member's host alone", () => {
  it.each(seeds)("keeps nobody from being resumed or suspended (seed %i)", (seed) => {
    const { world, crowd, first } = settled(seed);
    const steward = world.snapshotOf(first)?.services[0]?.life?.steward;
    const at = world.machines.find(({ name }) => name === steward)?.id ?? "";
    for (const host of world.hosts) {
      if (host === at) continue;
      world.links.cut(at, host);
      crowd.cpuCores = 1.5;
      // Mostly 8 to 15 s; 45 s with about one seed in six.
      expect(world.runUntil(settledOn(world, hostCount), 60_000)).toBe(true);
      crowd.cpuCores = 0.3;
      expect(world.runUntil(settledOn(world, 1), 120_000)).toBe(true);
      world.links.heal(at, host);
      world.runFor(10_000);
    }
  });
});
