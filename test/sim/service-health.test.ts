/** Members that run and answer nobody: their process lives, their service hangs. */
import { describe, expect, it } from "vitest";
import type { HostId } from "#lib/model/ids.ts";
import { memberNameOf } from "#lib/services/member-name.ts";
import type { CheckedWorld } from "#lib/simulation/checked-world.ts";
import { memberAt, readyAt, runningHosts, settled, settledOn } from "../support/service-world.ts";

const seeds = [1, 2, 3];
/** Three questions, a second apart, and the news of it to every switch. */
const noticedMsMax = 6_000;
const two = { running: { min: 2, max: 2 } };

function hang(world: CheckedWorld, host: HostId, hangs = true): void {
  world.machine(host).host.hang(memberNameOf("web", host) ?? "", hangs);
}

/** No switch gives the host's member requests. */
function isAvoided(world: CheckedWorld, host: HostId): boolean {
  return world.hosts.every((at) => !readyAt(world, at).includes(host));
}

function shown(world: CheckedWorld, host: HostId) {
  const life = world.snapshotOf(world.hosts[0] ?? "")?.services[0]?.life;
  return life?.members.find((member) => member.host === host);
}

describe("a member that hangs", () => {
  it.each(seeds)("gets no requests, another stands in, and it is staged anew (seed %i)", (seed) => {
    const { world } = settled(seed, two);
    const [hung = "", well = ""] = runningHosts(world);
    const boot = memberAt(world, hung)?.boot;
    hang(world, hung);
    expect(world.runUntil(() => isAvoided(world, hung), noticedMsMax)).toBe(true);
    // One more than `max` may run while one of them serves nobody.
    expect(world.runUntil(() => runningHosts(world).length === 3, 5_000)).toBe(true);
    expect(shown(world, hung)).toMatchObject({ healthy: false, state: "running" });
    expect(shown(world, hung)?.obstacle).toContain("does not answer");
    const isNew = () => {
      expect(isAvoided(world, hung) || memberAt(world, hung)?.boot !== boot).toBe(true);
      expect(readyAt(world, well)).toContain(well);
      return memberAt(world, hung)?.boot !== boot;
    };
    expect(world.runUntil(isNew, 60_000)).toBe(true);
    expect(world.runUntil(settledOn(world, 2), 60_000)).toBe(true);
    expect(runningHosts(world)).not.toContain(hung);
    world.settle(10_000);
  });

  it.each(seeds)("and is well again is put back as it was (seed %i)", (seed) => {
    const { world } = settled(seed, two);
    const [hung = ""] = runningHosts(world);
    const boot = memberAt(world, hung)?.boot;
    hang(world, hung);
    expect(world.runUntil(() => isAvoided(world, hung), noticedMsMax)).toBe(true);
    world.runFor(5_000);
    hang(world, hung, false);
    expect(world.runUntil(() => shown(world, hung)?.healthy === true, 3_000)).toBe(true);
    expect(world.runUntil(settledOn(world, 2), 90_000)).toBe(true);
    expect(memberAt(world, hung)?.boot).toBe(boot);
    world.settle(10_000);
  });

  it.each(seeds)("alone is used until another one serves (seed %i)", (seed) => {
    const { world } = settled(seed, { running: { min: 1, max: 1 } });
    const [hung = ""] = runningHosts(world);
    hang(world, hung);
    const isReplaced = () => {
      const others = runningHosts(world).filter((host) => host !== hung);
      const isReady = (at: HostId) => others.some((host) => readyAt(world, at).includes(host));
      for (const at of world.hosts) expect(readyAt(world, at).length).toBeGreaterThan(0);
      return world.hosts.every(isReady) && isAvoided(world, hung);
    };
    expect(world.runUntil(isReplaced, noticedMsMax + 3_000)).toBe(true);
    expect(world.runUntil(settledOn(world, 1), 90_000)).toBe(true);
    world.settle(10_000);
  });

  it.each(seeds)("as all do is used as before, and kept (seed %i)", (seed) => {
    const { world } = settled(seed, { running: { min: 3, max: 3 } });
    const boots = world.hosts.map((host) => memberAt(world, host)?.boot);
    for (const host of world.hosts) hang(world, host);
    world.runFor(60_000);
    expect(shown(world, world.hosts[1] ?? "")?.healthy).toBe(false);
    for (const at of world.hosts) expect(readyAt(world, at)).toHaveLength(3);
    expect(world.hosts.map((host) => memberAt(world, host)?.boot)).toEqual(boots);
    // One is well again: the others are of no use now, and begun anew.
    hang(world, world.hosts[0] ?? "", false);
    expect(world.runUntil(settledOn(world, 3), 120_000)).toBe(true);
    expect(memberAt(world, world.hosts[0] ?? "")?.boot).toBe(boots[0]);
    world.settle(10_000);
  });
});
