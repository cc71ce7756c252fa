import { describe, expect, it } from "vitest";
import { mustDo } from "#lib/simulation/sim-cluster.ts";
import { runningHosts, settled, webSpec } from "../../support/service-world.ts";

describe("a service's life", () => {
  it("is shown the same on every host: members, steward, what each does", () => {
    const { world } = settled(1);
    world.runFor(5_000);
    const lives = world.hosts.map((host) => world.snapshotOf(host)?.services[0]?.life);
    expect(new Set(lives.map((life) => life?.steward)).size).toBe(1);
    for (const life of lives) {
      expect(life?.members.map(({ hostName }) => hostName)).toEqual(["host-1", "host-2", "host-3"]);
      const running = life?.members.filter(({ state }) => state === "running");
      expect(running).toHaveLength(1);
      expect(running?.[0]).toMatchObject({ hostState: "live", obstacle: "", outdated: false });
      expect(running?.[0]?.sessions).toBe(9);
      expect(running?.[0]?.cpuShare).toBeCloseTo(0.3);
    }
  });

  it("says why a host makes no member of it, and nothing else is disturbed", () => {
    const { world, first } = settled(1);
    const { hosts } = webSpec();
    const others = { "host-1": hosts["host-1"] ?? {}, "host-2": hosts["host-2"] ?? {} };
    mustDo(world, first, { verb: "serviceApply", spec: webSpec({ hosts: others }) });
    world.runFor(10_000);
    const [, , third] = world.snapshotOf(first)?.services[0]?.life?.members ?? [];
    expect(runningHosts(world)).toHaveLength(1);
    expect(third?.hostName).toBe("host-3");
    mustDo(world, first, {
      verb: "serviceApply",
      spec: {
        ...webSpec(),
        name: "mail",
        hosts: others,
        endpoint: { ...webSpec().endpoint, port: "81" },
      },
    });
    world.runFor(10_000);
    const mail = world.snapshotOf(first)?.services.find(({ name }) => name === "mail")?.life;
    expect(mail?.members.find(({ hostName }) => hostName === "host-3")).toMatchObject({
      state: "absent",
      obstacle: expect.stringContaining("address"),
    });
  });
});
