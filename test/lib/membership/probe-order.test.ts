import { describe, expect, it } from "vitest";
import { Prng } from "#lib/base/prng.ts";
import { ProbeOrder } from "#lib/membership/probe-order.ts";

const all = () => true;

function orderOf(hosts: readonly string[], seed = 1): ProbeOrder {
  const order = new ProbeOrder(new Prng(seed));
  for (const host of hosts) order.add(host);
  return order;
}

describe("ProbeOrder", () => {
  const hosts = Array.from({ length: 20 }, (_, i) => `h${i}`);

  it("visits everybody once a round, in a new order each round", () => {
    const order = orderOf(hosts);
    const rounds = [1, 2, 3].map(() => hosts.map(() => order.next(all)));
    for (const round of rounds) expect(new Set(round).size).toBe(hosts.length);
    expect(rounds[1]).not.toEqual(rounds[2]);
  });

  it("passes over those that may not be probed", () => {
    const order = orderOf(hosts);
    for (let i = 0; i < 50; i++) expect(order.next((host) => host === "h7")).toBe("h7");
    expect(order.next(() => false)).toBeUndefined();
  });

  it("never names a removed host, and loses no other", () => {
    const order = orderOf(hosts);
    for (let i = 0; i < 7; i++) order.next(all);
    order.remove("h3");
    order.remove("stranger");
    const seen = Array.from({ length: 60 }, () => order.next(all));
    expect(seen).not.toContain("h3");
    expect(new Set(seen).size).toBe(hosts.length - 1);
  });

  it("spares a newcomer among many for a few probes", () => {
    const many = Array.from({ length: 400 }, (_, i) => `h${i}`);
    const first = Array.from({ length: 60 }, (_, seed) => {
      const order = orderOf(many, seed);
      order.add("new");
      return Array.from({ length: 8 }, () => order.next(all));
    });
    expect(first.flat()).not.toContain("new");
  });

  it("gives a newcomer a place in the round that runs", () => {
    const places = Array.from({ length: 40 }, (_, seed) => {
      const order = orderOf(hosts, seed);
      for (let i = 0; i < 5; i++) order.next(all);
      order.add("new");
      return hosts
        .slice(4)
        .map(() => order.next(all))
        .indexOf("new");
    });
    expect(places.every((place) => place >= 0)).toBe(true);
    expect(new Set(places).size).toBeGreaterThan(8);
  });
});
