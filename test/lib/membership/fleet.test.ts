import { describe, expect, it } from "vitest";
import { MembershipFleet } from "../../support/membership-fleet.ts";

const KNOWN_WITHIN_MS = 5000;
const TEN_MINUTES_MS = 600_000;
const seeds = [1, 2, 3, 4, 5];

function deaths(fleet: MembershipFleet, except = ""): unknown[] {
  return fleet.changes.filter(({ host, state }) => state === "dead" && host !== except);
}

describe("a fleet of memberships", () => {
  it.each([3, 8, 24])(
    "knows a kill among %i everywhere in 5 s, and blames nobody else",
    (count) => {
      for (const seed of seeds) {
        const fleet = new MembershipFleet({ count, seed });
        fleet.runFor(10_000);
        fleet.kill("h01");
        const tookMs = fleet.runUntil(() => fleet.allSee("h01", "dead"), KNOWN_WITHIN_MS);
        expect(tookMs, `seed ${seed}`).toBeLessThanOrEqual(KNOWN_WITHIN_MS);
        fleet.runFor(30_000);
        expect(
          fleet.changes.filter(({ host, state }) => host !== "h01" && state !== "alive"),
        ).toEqual([]);
      }
    },
  );

  it("knows a power cut among 24, which closes no socket, in 15 s", () => {
    for (const seed of seeds) {
      const fleet = new MembershipFleet({ count: 24, seed, lossShare: 0.02 });
      fleet.runFor(10_000);
      fleet.kill("h01", true);
      expect(fleet.runUntil(() => fleet.allSee("h01", "dead"), 15_000)).toBeLessThan(15_000);
    }
  });

  it("speaks up only where it is news: a kill among 100 makes few broadcasts", () => {
    const fleet = new MembershipFleet({ count: 100, seed: 5 });
    fleet.runFor(10_000);
    fleet.kill("h01");
    fleet.runFor(10_000);
    expect(fleet.allSee("h01", "dead")).toBe(true);
    expect(fleet.ordered.get("spread")).toBeLessThan(40);
  });

  it.each([3, 8, 24])(
    "passes no false verdict among %i in ten minutes with one packet in 50 lost",
    (count) => {
      const fleet = new MembershipFleet({ count, seed: 7, lossShare: 0.02 });
      fleet.runFor(TEN_MINUTES_MS);
      expect(deaths(fleet)).toEqual([]);
      expect(fleet.allAlive()).toBe(true);
    },
  );

  it.each([3, 8, 24])("passes none among %i with one host starved and packets lost", (count) => {
    for (const seed of seeds) {
      const starved = (host: string) => (host === "h01" ? 1500 : 0);
      const fleet = new MembershipFleet({
        count,
        seed,
        lossShare: 0.02,
        latenessMsMax: starved,
        ackDelayMsMax: starved,
      });
      fleet.runFor(TEN_MINUTES_MS);
      expect(deaths(fleet), `seed ${seed}`).toEqual([]);
      expect(fleet.membership("h01").healthScore).toBeGreaterThan(
        fleet.membership("h00").healthScore,
      );
    }
  });

  it.each([500, 1500, 3000])("passes none when all of 8 are up to %i ms late", (lateMs) => {
    const late = () => lateMs;
    const fleet = new MembershipFleet({
      count: 8,
      seed: 3,
      lossShare: 0.02,
      latenessMsMax: late,
      ackDelayMsMax: late,
    });
    fleet.runFor(TEN_MINUTES_MS);
    expect(deaths(fleet)).toEqual([]);
    fleet.kill("h01");
    // Slow is the price; blind would be too much.
    expect(fleet.runUntil(() => fleet.allSee("h01", "dead"), 60_000)).toBeLessThan(60_000);
  });

  it("heals after a partition of one against two, within 10 s and by itself", () => {
    for (const seed of seeds) {
      const fleet = new MembershipFleet({ count: 3, seed });
      fleet.runFor(5000);
      fleet.partition((a, b) => (a === "h00") !== (b === "h00"));
      fleet.runFor(60_000);
      expect(fleet.allSee("h00", "dead")).toBe(true);
      expect(
        fleet
          .membership("h00")
          .members()
          .map(({ state }) => state),
      ).toEqual(["dead", "dead"]);
      expect(fleet.membership("h01").stateOf("h02")).toBe("alive");
      fleet.heal();
      expect(
        fleet.runUntil(() => fleet.allAlive(), 10_000),
        `seed ${seed}`,
      ).toBeLessThan(10_000);
      const healed = fleet.changes.length;
      fleet.runFor(30_000);
      expect(fleet.changes.length).toBe(healed);
    }
  });

  it("heals after a partition into halves, at 24 and after an hour", () => {
    const fleet = new MembershipFleet({ count: 24, seed: 2 });
    fleet.runFor(5000);
    fleet.partition((a, b) => a < "h12" !== b < "h12");
    fleet.runFor(3_600_000);
    expect(fleet.membership("h00").stateOf("h23")).toBe("dead");
    fleet.heal();
    expect(fleet.runUntil(() => fleet.allAlive(), 10_000)).toBeLessThan(10_000);
  });

  it.each([3, 8, 24])(
    "finds a stopped member dead among %i; woken, it refutes and blames nobody",
    (count) => {
      for (const seed of seeds) {
        const fleet = new MembershipFleet({ count, seed });
        fleet.runFor(5000);
        fleet.stop("h01", 20_000);
        fleet.runFor(19_900);
        expect(fleet.allSee("h01", "dead"), `seed ${seed}`).toBe(true);
        expect(
          fleet.runUntil(() => fleet.allAlive(), 10_000),
          `seed ${seed}`,
        ).toBeLessThan(10_000);
        fleet.runFor(60_000);
        expect(fleet.membership("h01").incarnation).toBeGreaterThan(0);
        expect(
          fleet.changes.filter(({ host, state }) => host !== "h01" && state !== "alive"),
        ).toEqual([]);
      }
    },
  );

  it("lets a suspect refute before it is judged", () => {
    const fleet = new MembershipFleet({ count: 8, seed: 4 });
    fleet.runFor(5000);
    fleet.stop("h01", 2500);
    fleet.runFor(60_000);
    expect(deaths(fleet)).toEqual([]);
    expect(fleet.changes.some(({ host, state }) => host === "h01" && state === "suspect")).toBe(
      true,
    );
    expect(fleet.allAlive()).toBe(true);
  });

  it("sees a leave as a leave", () => {
    const fleet = new MembershipFleet({ count: 8, seed: 1 });
    fleet.runFor(5000);
    fleet.leave("h01", "left");
    fleet.leave("h02", "restarting");
    fleet.runFor(30_000);
    expect(fleet.allSee("h01", "left")).toBe(true);
    expect(fleet.allSee("h02", "suspect")).toBe(true);
    fleet.runFor(40_000);
    expect(fleet.allSee("h02", "dead")).toBe(true);
    expect(deaths(fleet, "h02")).toEqual([]);
  });

  it("does the same again from the same seed", () => {
    const run = () => {
      const fleet = new MembershipFleet({ count: 8, seed: 11, lossShare: 0.1 });
      fleet.runFor(5000);
      fleet.kill("h03");
      fleet.runFor(60_000);
      return fleet.changes;
    };
    expect(run()).toEqual(run());
  });
});
