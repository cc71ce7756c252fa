import { describe, expect, it } from "vitest";
import { VerdictRide } from "#lib/membership/verdict-ride.ts";
import type { Verdict } from "#lib/model/verdict.ts";

function verdict(host: string, by: string, fields: Partial<Verdict> = {}): Verdict {
  return { host, incarnation: 1, state: "suspect", by, ...fields };
}

describe("VerdictRide", () => {
  it("carries every accuser of a suspect, newest suspect first", () => {
    const ride = new VerdictRide(30_000);
    ride.add(verdict("x", "a"), 0);
    ride.add(verdict("y", "a"), 1);
    ride.add(verdict("x", "b"), 2);
    expect(ride.newest(64).map(({ host, by }) => host + by)).toEqual(["xa", "xb", "ya"]);
  });

  it("carries one word for the dead in the place of the accusations", () => {
    const ride = new VerdictRide(30_000);
    ride.add(verdict("x", "a"), 0);
    ride.add(verdict("x", "b", { state: "dead" }), 1);
    expect(ride.newest(64)).toEqual([verdict("x", "b", { state: "dead" })]);
  });

  it("drops accusations of an earlier incarnation", () => {
    const ride = new VerdictRide(30_000);
    ride.add(verdict("x", "a"), 0);
    ride.add(verdict("x", "b", { incarnation: 2 }), 1);
    expect(ride.newest(64)).toEqual([verdict("x", "b", { incarnation: 2 })]);
  });

  it("ends when its time is over or it is removed, and is bounded", () => {
    const ride = new VerdictRide(1000);
    for (let i = 0; i < 100; i++) ride.add(verdict(`x${i}`, "a"), i);
    expect(ride.newest(64)).toHaveLength(64);
    expect(ride.newest(64)[0]?.host).toBe("x99");
    ride.trim(1089);
    expect(ride.newest(64).map(({ host }) => host)).toHaveLength(10);
    ride.remove("x99");
    expect(ride.newest(64)[0]?.host).toBe("x98");
  });
});
