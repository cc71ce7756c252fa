import { describe, expect, it } from "vitest";
import { Relays } from "#lib/membership/relays.ts";

const relay = { requester: "a", nonce: 1, target: "b", untilMs: 3000 };

describe("Relays", () => {
  it("passes an ack on once, from its target alone, in time", () => {
    const relays = new Relays(4);
    relays.add(10, relay);
    expect(relays.take("c", 10, 100)).toBeUndefined();
    expect(relays.take("b", 11, 100)).toBeUndefined();
    expect(relays.take("b", 10, 100)).toEqual(relay);
    expect(relays.take("b", 10, 100)).toBeUndefined();
    relays.add(12, relay);
    expect(relays.take("b", 12, 3001)).toBeUndefined();
  });

  it("keeps no more than its bound, dropping the oldest", () => {
    const relays = new Relays(2);
    for (const nonce of [1, 2, 3]) relays.add(nonce, relay);
    expect(relays.take("b", 1, 0)).toBeUndefined();
    expect(relays.take("b", 2, 0)).toEqual(relay);
    expect(relays.take("b", 3, 0)).toEqual(relay);
  });
});
