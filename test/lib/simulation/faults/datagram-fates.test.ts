import { describe, expect, it } from "vitest";
import { DatagramFates } from "#lib/simulation/faults/datagram-fates.ts";
import { FaultTally } from "#lib/simulation/faults/fault-tally.ts";
import type { SimFact } from "#lib/simulation/sim-fact.ts";
import type { AckMessage } from "#lib/wire/messages.ts";

const ack = (nonce: number): AckMessage => ({ type: "ack", nonce, incarnation: 1 });

function sent(...messages: AckMessage[]): SimFact {
  const effects = messages.map((message) => ({ type: "datagram", to: "b", message }) as const);
  return { type: "stepped", host: "a", event: { type: "timeout" }, effects };
}

function received(message: AckMessage): SimFact {
  const event = { type: "messageReceived", from: "a", via: "datagram", message } as const;
  return { type: "stepped", host: "b", event, effects: [] };
}

function counts(...facts: SimFact[]) {
  const fates = new DatagramFates();
  const tally = new FaultTally();
  for (const fact of facts) fates.observe(fact);
  fates.tellTo(tally);
  return tally.counts();
}

describe("DatagramFates", () => {
  const [one, two] = [ack(1), ack(2)];

  it("counts nothing where all arrive once and in order", () => {
    expect(counts(sent(one, two), received(one), received(two))).toEqual({});
  });

  it("counts what is lost, doubled and overtaken", () => {
    expect(counts(sent(one, two), received(two))).toEqual({ "datagram lost": 1 });
    expect(counts(sent(one), received(one), received(one))).toEqual({ "datagram doubled": 1 });
    const overtaken = counts(sent(one, two), received(two), received(one));
    expect(overtaken).toEqual({ "datagram overtaken": 1 });
  });
});

describe("FaultTally", () => {
  it("adds up by kind, and knows no kind that did not happen", () => {
    const tally = new FaultTally();
    tally.add("a");
    tally.add("b", 0);
    tally.addAll({ a: 2, c: 1 });
    expect(tally.counts()).toEqual({ a: 3, c: 1 });
    expect([tally.of("b"), tally.total]).toEqual([0, 4]);
  });
});
