import { describe, expect, it } from "vitest";
import { sideOf, sidesOf } from "#lib/simulation/world-sides.ts";
import { serving } from "../../support/service-world.ts";

describe("sideOf", () => {
  it("holds whoever news reaches, also over another host, and nobody whose agent is down", () => {
    const { world } = serving(1);
    const [a = "", b = "", c = ""] = world.hosts;
    expect([...sideOf(world, b)].sort()).toEqual([a, b, c].sort());
    world.links.cut(a, c);
    expect([...sideOf(world, a)]).toEqual([a, b, c]);
    world.links.cutOneWay(a, b);
    expect([...sideOf(world, a)]).toEqual([a]);
    world.pauseAgent(c);
    expect([...sideOf(world, b)]).toEqual([b]);
    expect([...sideOf(world, c)]).toEqual([]);
  });
});

describe("sidesOf", () => {
  it("puts every host that is up on one side", () => {
    const { world } = serving(1);
    const [a = "", b = "", c = ""] = world.hosts;
    world.links.partition([[a, c], [b]]);
    expect(sidesOf(world).map((side) => [...side])).toEqual([[a, c], [b]]);
    world.killAgent(b);
    expect(sidesOf(world).map((side) => [...side])).toEqual([[a, c]]);
  });
});
