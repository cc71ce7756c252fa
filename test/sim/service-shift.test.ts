/** Shifts: a hot host's member is resumed elsewhere and suspended there, once, and never below min. */
import { describe, expect, it } from "vitest";
import { Prng } from "#lib/base/prng.ts";
import type { HostId } from "#lib/model/ids.ts";
import { addVm, mustDo, simVmSpec } from "#lib/simulation/sim-cluster.ts";
import { mebibyte } from "../support/service-world.ts";
import { burden, runningOf, shiftWorld, watched } from "../support/shift-world.ts";

const seeds = [1, 2, 3];
const fewSeeds = [1, 2];
/** From the load to the member's image on the disk: k of n samples, a look, a resume, a drain. */
const shiftedMsMax = 30_000;
const minutes = 60_000;

function gone(world: Parameters<typeof runningOf>[0], service: string, from: HostId) {
  return () => !runningOf(world, service).includes(from);
}

describe("a hot host's member", () => {
  it.each(
    seeds.flatMap((seed) => [
      { seed, hosts: 3, running: { min: 1, max: 1 } },
      { seed, hosts: 4, running: { min: 1, max: 4 } },
      { seed, hosts: 5, running: { min: 2, max: 2 } },
    ]),
  )("is shifted once, in seconds, and stays there ($hosts hosts, $running, seed $seed)", (one) => {
    const { seed, hosts, running } = one;
    const setting = shiftWorld(seed, { hosts, services: { web: { running } }, noiseShare: 0.1 });
    const { world, shifts } = setting;
    const [from = ""] = runningOf(world, "web");
    burden(setting, from, 3.8);
    const shift = watched(world, "web", { until: gone(world, "web", from), limitMs: shiftedMsMax });
    expect(shift.reached).toBe(true);
    expect(shift.least).toBe(running.min);
    expect(shift.leastServing).toBe(running.min);
    const later = watched(world, "web", { until: () => false, limitMs: 5 * minutes });
    expect(later.places).toHaveLength(1);
    expect(shifts.asked).toHaveLength(1);
    world.settle(10_000);
  });

  it.each(seeds)("stays where no host is hot, whatever the noise (seed %i)", (seed) => {
    const services = { web: { running: { min: 1, max: 3 } } };
    const setting = shiftWorld(seed, { hosts: 4, services, noiseShare: 0.1 });
    for (const host of setting.world.hosts) burden(setting, host, 1.5);
    const still = watched(setting.world, "web", { until: () => false, limitMs: 5 * minutes });
    expect(still.places).toHaveLength(1);
    // The load rose everywhere at once, and news of the others is seconds old: who asked was refused.
    expect(setting.shifts.asked.length).toBeLessThanOrEqual(1);
  });

  it.each(fewSeeds)("stays on hold, and is shifted when that is over (seed %i)", (seed) => {
    const setting = shiftWorld(seed, { hosts: 3, services: { web: {} } });
    const { world, shifts } = setting;
    const [from = ""] = runningOf(world, "web");
    mustDo(world, from, { verb: "mode", mode: "hold" });
    burden(setting, from, 3.8);
    const still = watched(world, "web", { until: () => false, limitMs: minutes });
    expect(still.places).toHaveLength(1);
    expect(shifts.asked).toEqual([]);
    mustDo(world, from, { verb: "mode", mode: "act" });
    expect(world.runUntil(gone(world, "web", from), shiftedMsMax)).toBe(true);
  });

  it.each(fewSeeds)("follows a load that wanders, and rests between (seed %i)", (seed) => {
    const services = { web: { running: { min: 1, max: 1 } } };
    const setting = shiftWorld(seed, { hosts: 3, services, noiseShare: 0.1 });
    const { world, shifts } = setting;
    // Whoever has the member becomes hot a moment later: shifting it cannot help for long.
    let hot = "";
    const chase = () => {
      const [at = ""] = runningOf(world, "web");
      if (at !== hot && runningOf(world, "web").length === 1) {
        if (hot) burden(setting, hot, 0.5);
        burden(setting, at, 3.8);
        hot = at;
      }
      return false;
    };
    const chased = watched(world, "web", { until: chase, limitMs: 10 * minutes });
    expect(chased.least).toBe(1);
    // Without a cool-down there are 13 or more.
    expect(shifts.asked.length).toBeLessThanOrEqual(8);
    world.settle(10_000);
  });
});

describe("members on two hot hosts", () => {
  it.each(fewSeeds)(
    "are each shifted once, one service after or beside the other (seed %i)",
    (seed) => {
      const running = { min: 1, max: 3 };
      const setting = shiftWorld(seed, {
        hosts: 5,
        services: { web: { running: { min: 2, max: 2 } }, db: { running } },
        noiseShare: 0.1,
      });
      const { world } = setting;
      const hot = runningOf(world, "web");
      for (const host of hot) burden(setting, host, 3.8);
      const isDone = () => hot.every((host) => gone(world, "web", host)());
      const shift = watched(world, "web", { until: isDone, limitMs: 2 * minutes });
      expect(shift.reached).toBe(true);
      expect(shift.least).toBe(2);
      const later = watched(world, "web", { until: () => false, limitMs: 3 * minutes });
      expect(later.places).toHaveLength(1);
      world.settle(10_000);
    },
  );
});

/** Runs until the shift is asked for, or until both members run. */
function runTo(moment: "asked" | "begun", { world, shifts }: ReturnType<typeof shiftWorld>): void {
  const isThere = () =>
    moment === "asked" ? shifts.asked.length > 0 : runningOf(world, "web").length > 1;
  expect(world.runUntil(isThere, shiftedMsMax)).toBe(true);
}

/** Number, from 0, of the host with the highest rank for "web" among these worlds' hosts. */
const stewardAt = 1;
const moments = ["asked", "begun"] as const;
const strikes = fewSeeds.flatMap((seed) => moments.map((moment) => ({ seed, moment })));

/** A world in which one is hot; the steward is another host, which was too warm for the member. */
function hotMember(seed: number, hosts: number) {
  const services = { web: { running: { min: 1, max: 3 } } };
  const setting = shiftWorld(seed, { hosts, services, burdens: { [stewardAt]: 1.5 } });
  const [from = ""] = runningOf(setting.world, "web");
  const steward = setting.world.hosts[stewardAt] ?? "";
  expect(setting.world.snapshotOf(from)?.services[0]?.life?.steward).toBe(`host-${stewardAt + 1}`);
  expect(from).not.toBe(steward);
  burden(setting, from, 3.8);
  return { ...setting, from, steward };
}

describe("a shift", () => {
  it.each(strikes)("comes about though its steward dies once it is $moment (seed $seed)", (one) => {
    const setting = hotMember(one.seed, 5);
    const { world, from, steward } = setting;
    runTo(one.moment, setting);
    world.killAgent(steward);
    const isShifted = () => gone(world, "web", from)() && runningOf(world, "web").length === 1;
    const shift = watched(world, "web", { until: isShifted, limitMs: minutes });
    world.startAgent(steward);
    const later = watched(world, "web", { until: () => false, limitMs: 2 * minutes });
    expect(shift.reached).toBe(true);
    expect(Math.min(shift.least, later.least)).toBeGreaterThanOrEqual(1);
    expect(isShifted()).toBe(true);
    world.settle(20_000);
  });

  it.each(strikes)("goes elsewhere when its target dies once it is $moment (seed $seed)", (one) => {
    const setting = hotMember(one.seed, 5);
    const { world, from, shifts } = setting;
    runTo(one.moment, setting);
    const to = shifts.asked[0]?.to ?? "";
    world.crashHost(to);
    const isShifted = () => gone(world, "web", from)() && runningOf(world, "web").length === 1;
    const shift = watched(world, "web", { until: isShifted, limitMs: 2 * minutes });
    expect(shift.reached).toBe(true);
    expect(shift.least).toBe(1);
    world.startAgent(to);
    world.runFor(minutes);
    expect(isShifted()).toBe(true);
    world.settle(20_000);
  });

  it.each(strikes)(
    "that a partition cuts once it is $moment breaks no rule (seed $seed)",
    (one) => {
      const setting = hotMember(one.seed, 4);
      const { world, from } = setting;
      runTo(one.moment, setting);
      world.links.partition([[from], world.hosts.filter((host) => host !== from)]);
      const apart = watched(world, "web", { until: () => false, limitMs: minutes });
      expect(apart.least).toBeGreaterThanOrEqual(1);
      expect(runningOf(world, "web")).toHaveLength(2);
      expect(gone(world, "web", from)()).toBe(false);
      world.links.healAll();
      const isShifted = () => gone(world, "web", from)() && runningOf(world, "web").length === 1;
      const healed = watched(world, "web", { until: isShifted, limitMs: 3 * minutes });
      expect(healed.reached).toBe(true);
      expect(healed.least).toBe(1);
      world.settle(20_000);
    },
  );

  it.each(fewSeeds)("is preferred to a move that wins as much (seed %i)", (seed) => {
    const setting = shiftWorld(seed, { hosts: 3, services: { web: {} } });
    const { world, loads, shifts } = setting;
    const [from = ""] = runningOf(world, "web");
    addVm(world, from, simVmSpec("twin", 256 * mebibyte));
    world.runFor(40_000);
    loads.vms.set("twin", 0.5);
    burden(setting, from, 2.8);
    const moved = () => world.machine(from).host.copy("twin")?.state !== "running";
    expect(world.runUntil(() => shifts.asked.length > 0 || moved(), minutes)).toBe(true);
    expect(shifts.asked).toHaveLength(1);
    expect(world.snapshotOf(from)?.moves).toEqual([]);
  });
});

describe("shifts under random faults", () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])("keep all rules (seed %i)", (seed) => {
    const running = seed % 2 === 1 ? { min: 1, max: 2 } : { min: 2, max: 2 };
    const setting = shiftWorld(seed, { hosts: 4, services: { web: { running } }, noiseShare: 0.1 });
    const { world, loads, shifts } = setting;
    const prng = new Prng(`shifts.${seed}`);
    const pick = () => world.hosts[prng.nextInt(world.hosts.length)] ?? "";
    const heat = () => burden(setting, runningOf(world, "web")[0] ?? pick(), 3.8);
    const faults = [
      heat,
      heat,
      () => burden(setting, pick(), 3.8 * prng.nextShare()),
      () => world.killAgent(pick()),
      () => world.crashHost(pick()),
      () => world.pauseAgent(pick()),
      () => world.links.partition([[pick()], world.hosts]),
      () => loads.services.set("web", 1.5 * prng.nextShare()),
      () => world.healAll(),
      () => world.healAll(),
    ];
    world.guarded(() => {
      heat();
      for (let strike = 0; strike < 20; strike += 1) {
        world.runFor(prng.nextShare() * 12_000);
        faults[prng.nextInt(faults.length)]?.();
      }
      loads.services.set("web", 0.3);
      for (const host of world.hosts) burden(setting, host, 0.1);
      world.healAll();
      const isCalm = () => runningOf(world, "web").length === running.min;
      expect(world.runUntil(isCalm, 10 * minutes)).toBe(true);
      world.settle(20_000);
    });
    expect(shifts.asked.length).toBeGreaterThanOrEqual(1);
  });
});
