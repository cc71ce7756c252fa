import { expect, it } from "vitest";
import { Prng } from "#lib/base/prng.ts";
import { GossipRound } from "#lib/core/gossip-round.ts";

it("GossipRound has each neighbour once a round, and none that is gone", () => {
  const round = new GossipRound();
  const prng = new Prng("5eed");
  const all = new Set(["a", "b", "c"]);
  for (let rounds = 0; rounds < 5; rounds += 1) {
    const said = [1, 2, 3].map(() => round.next(all, prng));
    expect([...said].sort()).toEqual(["a", "b", "c"]);
  }
  expect(round.next(all, prng)).toBeDefined();
  expect(round.next(new Set(["b"]), prng)).toBe("b");
  expect(round.next(new Set(), prng)).toBeUndefined();
});
