import { describe, expect, it } from "vitest";
import { Prng } from "#lib/base/prng.ts";
import { Membership } from "#lib/membership/membership.ts";
import type { MembershipOrder } from "#lib/membership/order.ts";
import { membershipDefaults } from "#lib/membership/params.ts";
import type { Verdict } from "#lib/model/verdict.ts";
import type { DatagramMessage, ProbeMessage } from "#lib/wire/messages.ts";

function membershipOf(others: readonly string[], incarnation = 0): Membership {
  const membership = new Membership({
    self: "me",
    incarnation,
    params: membershipDefaults,
    prng: new Prng(1),
  });
  for (const host of others) membership.memberSeen(host, 0, "here", 0);
  return membership;
}

function suspect(host: string, by: string, fields: Partial<Verdict> = {}): Verdict {
  return { host, incarnation: 0, state: "suspect", by, ...fields };
}

/** Calls `timeout` exactly when it is due, until `endMs`; everything ordered on the way. */
function runUntil(membership: Membership, endMs: number): MembershipOrder[] {
  const orders: MembershipOrder[] = [];
  for (;;) {
    const dueMs = membership.nextTimeoutMs();
    if (dueMs === undefined || dueMs > endMs) return orders;
    orders.push(...membership.timeout(dueMs));
  }
}

function datagrams(orders: readonly MembershipOrder[]): { to: string; message: DatagramMessage }[] {
  return orders.filter((order) => order.type === "datagram");
}

function firstProbe(orders: readonly MembershipOrder[], to: string): ProbeMessage {
  for (const order of datagrams(orders)) {
    if (order.to === to && order.message.type === "probe") return order.message;
  }
  throw new Error(`no probe to ${to}`);
}

describe("Membership probing", () => {
  it("asks nothing and needs no timer while alone", () => {
    expect(membershipOf([]).nextTimeoutMs()).toBeUndefined();
  });

  it("answers a probe with its nonce, by the way it came", () => {
    const membership = membershipOf(["a"], 4);
    const probe = { type: "probe", nonce: 9, incarnation: 4, suspected: false } as const;
    const ack = { type: "ack", nonce: 9, incarnation: 4 };
    expect(membership.messageReceived("a", "datagram", probe, 10)).toEqual([
      { type: "datagram", to: "a", message: ack },
    ]);
    expect(membership.messageReceived("a", "stream", probe, 10)).toEqual([
      { type: "send", to: "a", message: ack },
    ]);
    expect(membership.messageReceived("a", "news", probe, 10)).toEqual([]);
  });

  it("asks directly, then through three others and over the stream, then suspects", () => {
    const membership = membershipOf(["a", "b", "c", "d", "e"]);
    membership.peerDisconnected("a", 0);
    const orders = runUntil(membership, 1700);
    const { nonce } = firstProbe(orders, "a");
    const helpers = datagrams(orders).filter(
      ({ message }) => message.type === "indirectProbe" && message.target === "a",
    );
    expect(new Set(helpers.map(({ to }) => to)).size).toBe(3);
    const stream = orders.filter((order) => order.type === "send" && order.to === "a");
    expect(stream).toMatchObject([{ message: { type: "probe", nonce } }]);
    expect(membership.stateOf("a")).toBe("suspect");
    expect(orders).toContainEqual({ type: "spread", verdict: suspect("a", "me") });
  });

  it("takes an ack over any way as proof, but not with another nonce", () => {
    for (const from of ["a", "b"]) {
      const membership = membershipOf(["a", "b"]);
      membership.peerDisconnected("a", 0);
      const { nonce } = firstProbe(runUntil(membership, 700), "a");
      const answer = { type: "ack", nonce, incarnation: 0 } as const;
      membership.messageReceived("b", "datagram", { ...answer, nonce: nonce ^ 1 }, 700);
      membership.messageReceived(from, "datagram", answer, 700);
      runUntil(membership, 900);
      expect(membership.stateOf("a")).toBe("alive");
      membership.timeout(1700);
      expect(membership.stateOf("a")).toBe("alive");
    }
  });

  it("probes in the place of another and passes the ack on", () => {
    const membership = membershipOf(["a", "b"]);
    const asked = membership.messageReceived(
      "a",
      "datagram",
      { type: "indirectProbe", nonce: 5, target: "b" },
      10,
    );
    const { nonce } = firstProbe(asked, "b");
    const passed = membership.messageReceived(
      "b",
      "datagram",
      { type: "ack", nonce, incarnation: 3 },
      20,
    );
    expect(datagrams(passed)).toEqual([
      { type: "datagram", to: "a", message: { type: "ack", nonce: 5, incarnation: 3 } },
    ]);
  });

  it("relays no probe to a stranger", () => {
    const message = { type: "indirectProbe", nonce: 5, target: "nobody" } as const;
    expect(membershipOf(["a"]).messageReceived("a", "datagram", message, 10)).toEqual([]);
  });
});

describe("Membership verdicts", () => {
  it("refutes a verdict against itself with a higher incarnation, once", () => {
    const membership = membershipOf(["a"], 2);
    const verdict = suspect("me", "a", { incarnation: 2 });
    expect(membership.verdictHeard(verdict, 10)).toEqual([{ type: "refute", incarnation: 3 }]);
    expect(membership.verdictHeard(verdict, 20)).toEqual([]);
    expect(membership.incarnation).toBe(3);
    expect(membership.healthScore).toBe(1);
  });

  it("refutes when a probe says that it is suspected, in the very ack", () => {
    const probe = { type: "probe", nonce: 9, incarnation: 0, suspected: true } as const;
    expect(membershipOf(["a"]).messageReceived("a", "datagram", probe, 10)).toEqual([
      { type: "refute", incarnation: 1 },
      { type: "datagram", to: "a", message: { type: "ack", nonce: 9, incarnation: 1 } },
    ]);
  });

  it("takes up a suspicion and lets time decide, faster with more accusers", () => {
    const fast = membershipOf(["a", "b", "c", "d", "x"]);
    const slow = membershipOf(["a", "b", "c", "d", "x"]);
    for (const by of ["a", "b", "c", "d"]) fast.verdictHeard(suspect("x", by), 10);
    slow.verdictHeard(suspect("x", "a"), 10);
    expect(fast.verdicts()).toHaveLength(4);
    const keepAlive = (membership: Membership) => {
      for (let atMs = 10; atMs <= 2500; atMs += 10) {
        const orders = runUntil(membership, atMs);
        for (const { to, message } of datagrams(orders)) {
          if (message.type !== "probe" || to === "x") continue;
          const ack = { type: "ack", nonce: message.nonce, incarnation: 0 } as const;
          membership.messageReceived(to, "datagram", ack, atMs);
        }
      }
    };
    keepAlive(fast);
    keepAlive(slow);
    expect(fast.stateOf("x")).toBe("dead");
    expect(slow.stateOf("x")).toBe("suspect");
  });

  it("drops words about strangers, of old incarnations, and its own that come back", () => {
    const membership = membershipOf(["a", "x"]);
    membership.memberSeen("x", 5, "here", 0);
    expect(membership.verdictHeard(suspect("nobody", "a"), 10)).toEqual([]);
    expect(membership.verdictHeard(suspect("x", "a", { incarnation: 4 }), 10)).toEqual([]);
    expect(membership.verdictHeard(suspect("x", "me", { incarnation: 5 }), 10)).toEqual([]);
    expect(membership.stateOf("x")).toBe("alive");
  });

  it("believes that a member is dead, and alive again only at a higher incarnation", () => {
    const membership = membershipOf(["a", "x"]);
    membership.verdictHeard(suspect("x", "a", { state: "dead" }), 10);
    expect(membership.stateOf("x")).toBe("dead");
    membership.memberSeen("x", 0, "here", 20);
    expect(membership.stateOf("x")).toBe("dead");
    membership.memberSeen("x", 1, "here", 30);
    expect(membership.stateOf("x")).toBe("alive");
    expect(membership.verdicts()).toEqual([]);
  });

  it("knocks at the dead that speak, and takes them back by their ack", () => {
    const membership = membershipOf(["a", "x"]);
    membership.verdictHeard(suspect("x", "a", { state: "dead" }), 10);
    const orders = membership.peerConnected("x", 400);
    const probe = firstProbe(orders, "x");
    expect(probe.suspected).toBe(true);
    const back = membership.messageReceived(
      "x",
      "datagram",
      { type: "ack", nonce: probe.nonce, incarnation: 1 },
      410,
    );
    expect(back).toMatchObject([{ type: "changed", host: "x", state: "alive", previous: "dead" }]);
  });

  it("keeps at most the verdicts that a message may carry", () => {
    const hosts = Array.from({ length: 100 }, (_, i) => `x${i}`);
    const membership = membershipOf(hosts);
    for (const host of hosts) membership.verdictHeard(suspect(host, "a", { state: "dead" }), 10);
    expect(membership.verdicts()).toHaveLength(64);
  });
});

describe("Membership leaves", () => {
  it("counts a leave for good as left, and probes it no more", () => {
    const membership = membershipOf(["x"]);
    membership.memberSeen("x", 0, "left", 10);
    expect(membership.stateOf("x")).toBe("left");
    expect(runUntil(membership, 20_000)).toEqual([]);
  });

  it("awaits a restart in spite of what others say, then takes it back at any newer record", () => {
    const membership = membershipOf(["a", "x"]);
    membership.memberSeen("x", 0, "restarting", 10);
    membership.verdictHeard(suspect("x", "a", { state: "dead" }), 20);
    expect(membership.stateOf("x")).toBe("suspect");
    membership.memberSeen("x", 0, "here", 30_000);
    expect(membership.stateOf("x")).toBe("alive");
  });

  it("gives a restart up after its grace", () => {
    const membership = membershipOf(["x"]);
    membership.memberSeen("x", 0, "restarting", 0);
    runUntil(membership, 59_000);
    expect(membership.stateOf("x")).toBe("suspect");
    runUntil(membership, 61_000);
    expect(membership.stateOf("x")).toBe("dead");
  });

  it("forgets the left after an hour and the dead after a day", () => {
    const membership = membershipOf(["x", "y"]);
    membership.memberSeen("x", 0, "left", 0);
    membership.verdictHeard(suspect("y", "a", { state: "dead" }), 0);
    const hour = 3_600_000;
    membership.timeout(hour);
    expect(membership.members().map(({ host }) => host)).toEqual(["y"]);
    const orders = membership.timeout(24 * hour);
    expect(orders).toMatchObject([{ type: "changed", host: "y", state: undefined }]);
    expect(membership.members()).toEqual([]);
  });
});

describe("Membership on a host that stood still", () => {
  it("blames itself, and gives its probes and suspects the lost time back", () => {
    const membership = membershipOf(["a", "b", "x"]);
    membership.verdictHeard(suspect("x", "a"), 0);
    membership.peerDisconnected("b", 0);
    runUntil(membership, 400);
    const orders = membership.timeout(20_000);
    expect(membership.healthScore).toBeGreaterThan(4);
    expect(orders.filter((order) => order.type === "changed")).toEqual([]);
    expect(membership.stateOf("b")).toBe("alive");
    expect(membership.stateOf("x")).toBe("suspect");
  });

  it("counts one standstill once", () => {
    const membership = membershipOf(["a"]);
    runUntil(membership, 400);
    membership.peerConnected("a", 2500);
    const score = membership.healthScore;
    membership.timeout(2500);
    expect(membership.healthScore).toBe(score);
  });

  it("never publishes below an incarnation that others remember", () => {
    const membership = membershipOf([], 2);
    expect(membership.raiseIncarnation(7)).toBe(7);
    expect(membership.raiseIncarnation(3)).toBe(7);
    expect(membership.raiseIncarnation(Number.MAX_SAFE_INTEGER)).toBe(7);
  });
});
