import { describe, expect, it } from "vitest";
import { Surroundings, type SurroundingsOptions } from "#lib/core/surroundings.ts";
import { hostSummary } from "../../support/host-summary.ts";
import { settledDriver } from "../../support/node-driver.ts";

const namesOf = (driver: ReturnType<typeof settledDriver>) =>
  driver.node.snapshot(driver.nowMs).members.map(({ name }) => name);

describe("Surroundings", () => {
  it("suffixes the names of hosts that bear the same", () => {
    const driver = settledDriver();
    driver.hear("QmTwinAaaaaa", { name: "twin" });
    expect(namesOf(driver)).toEqual(["other", "self", "twin"]);
    driver.hear("QmTwinBbbbbb", { name: "twin" });
    expect(namesOf(driver)).toEqual(["other", "self", "twin-aaaaaa", "twin-bbbbbb"]);
    driver.hear("QmTwinBbbbbb", { name: "self" });
    expect(namesOf(driver)).toEqual(["other", "self-bbbbbb", "self-qmself", "twin"]);
  });

  it.each([
    { name: "does not know its size yet", change: { cpuCapacityCores: 0 }, words: "its size" },
    { name: "speaks only a later protocol", change: { protocolMin: 2, protocolMax: 3 }, words: "" },
    { name: "is leaving", change: { presence: "restarting" as const }, words: "suspect" },
  ])("offers no host as a target that $name", ({ change, words }) => {
    const driver = settledDriver({ own: ["web"] });
    driver.hear("QmOther", { name: "other", ...change });
    const answer = driver.ask({ verb: "migrate", vm: "web", target: "QmOther" });
    expect(answer?.status).toBe(404);
    expect(answer?.message).toContain(words);
  });

  it("keeps the others' figures for a moment in a large cluster, but for who plans with them", () => {
    const told = (host: string, freeSlotsIn: number, more = {}) => {
      return { host, body: hostSummary({ name: host, freeSlotsIn, ...more }) };
    };
    let heard = [told("a", 1), told("b", 1)];
    const cluster = {
      ...{ changes: 0, nowMs: 0, view: { isLarge: true } },
      live: () => [told("a", 1), told("b", 1)],
      heard: { take: () => heard.splice(0) },
      isLive: (host: string) => host !== "suspect",
    };
    const options = { cluster, guests: { all: () => [] } };
    const surroundings = new Surroundings(options as unknown as SurroundingsOptions);
    const slots = () => surroundings.measured().map(({ host, freeSlotsIn }) => host + freeSlotsIn);
    expect(slots()).toEqual(["a1", "b1"]);
    const unfit = [
      told("c", 1, { measuring: true }),
      told("d", 1, { protocolMin: 9, protocolMax: 9 }),
      told("suspect", 1),
    ];
    heard = [told("b", 0), told("e", 1), ...unfit, told("e", 0)];
    cluster.changes += 1;
    cluster.nowMs += 500;
    expect(slots()).toEqual(["a1", "b1"]);
    surroundings.renew();
    expect(slots()).toEqual(["a1", "b0", "e0"]);
    cluster.nowMs += 1_900;
    expect(slots()).toEqual(["a1", "b1"]);
  });

  it("levels by no figures of a host that still measures its guests", () => {
    const figures = { cpuCapacityCores: 10, memoryCapacityBytes: 100 };
    const bodies = [
      hostSummary({ name: "known", ...figures, projectedCpuCores: 6, measuredCpuCores: 9.5 }),
      hostSummary({ name: "young", ...figures, measuredCpuCores: 9.9, measuring: true }),
      hostSummary({ name: "unsized", cpuCapacityCores: 0 }),
    ];
    const view = { isLarge: false, summaryOf: () => ({ record: { body: bodies[0] } }) };
    const live = () => bodies.map((body) => ({ host: body.name, body }));
    const cluster = { changes: 0, nowMs: 0, live, view };
    const surroundings = new Surroundings({ cluster } as unknown as SurroundingsOptions);
    expect(surroundings.others().map(({ name }) => name)).toEqual(["known", "young"]);
    expect(surroundings.measured().map(({ name }) => name)).toEqual(["known"]);
    expect(surroundings.least()?.cpu).toBe(0.6);
    expect(surroundings.extremes().least.cpu).toBe(0.6);
  });

  it("says whether a host is no member, or which state it is in", () => {
    const driver = settledDriver({ own: ["web"] });
    const migrate = (target: string) => driver.ask({ verb: "migrate", vm: "web", target });
    expect(migrate("QmStranger")?.message).toBe("QmStranger is no member");
    driver.mute("QmOther");
    driver.wait(20_000);
    expect(migrate("QmOther")?.message).toBe("other is dead");
  });
});
