import { describe, expect, it } from "vitest";
import { memberNameOf } from "#lib/services/member-name.ts";
import { simVmSpec } from "#lib/simulation/sim-cluster.ts";
import { mebibyte, runningHosts, serving, settled } from "../../support/service-world.ts";

const webMembers = (world: ReturnType<typeof settled>["world"], host: string) =>
  world.snapshotOf(host)?.services[0]?.life?.members ?? [];

describe("MemberDesk", () => {
  it("does not touch a copy of a member's name that no line of the journal explains", () => {
    const { world, first } = serving(1);
    const name = memberNameOf("web", first) ?? "";
    world.machine(first).host.start(simVmSpec(name), world.clock.nowMs);
    const { boot } = world.machine(first).host.copy(name) ?? {};
    world.runFor(40_000);
    expect(world.machine(first).host.copy(name)).toMatchObject({ boot, state: "running" });
    const own = webMembers(world, first).find(({ host }) => host === first);
    expect(own).toMatchObject({ state: "absent", obstacle: expect.stringContaining("no member") });
    expect(world.snapshotOf(first)?.alarms.map(({ code }) => code)).toEqual(["stray-copy"]);
  });

  it("finds a member that was killed, and replaces it", () => {
    const { world, first } = settled(1);
    const [at = ""] = runningHosts(world);
    world.killGuest(at, memberNameOf("web", at) ?? "");
    expect(runningHosts(world)).toEqual([]);
    expect(world.runUntil(() => runningHosts(world).length === 1, 5_000)).toBe(true);
    world.runFor(20_000);
    expect(webMembers(world, first).map(({ state }) => state)).not.toContain("absent");
  });

  it("stages no more than fits the disk that members may take, and says so", () => {
    const { world, first } = serving(1, {}, 128 * mebibyte);
    world.runFor(30_000);
    const members = webMembers(world, first);
    expect(members.map(({ state }) => state)).toEqual(["absent", "absent", "absent"]);
    for (const { obstacle } of members) expect(obstacle).toMatch(/members take 0 of 128 MiB/);
  });
});
