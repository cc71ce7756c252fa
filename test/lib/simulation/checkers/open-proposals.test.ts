import { describe, expect, it } from "vitest";
import type { Effect } from "#lib/core/effects.ts";
import { OpenProposals } from "#lib/simulation/checkers/open-proposals.ts";
import type { SimFact } from "#lib/simulation/sim-fact.ts";

type Stepped = Extract<SimFact, { type: "stepped" }>;

function heard(type: "propose" | "abort", moveId: string, host = "a"): Stepped {
  const event = { type: "messageReceived", from: "b", via: "stream", message: { type, moveId } };
  return { type: "stepped", host, event, effects: [] } as never;
}

function says(type: "grant" | "refuse", moveId: string, host = "a"): Stepped {
  const effects = [{ type: "send", to: "b", message: { type, moveId } } as Effect];
  return { type: "stepped", host, event: { type: "timeout" }, effects };
}

const ids = (open: OpenProposals, fact: Stepped) =>
  open.grantedBy(fact).map((one) => one.message.moveId);

describe("OpenProposals", () => {
  it("gives back what is granted, once, and by whom it was proposed to", () => {
    const open = new OpenProposals();
    expect(ids(open, heard("propose", "m1"))).toEqual([]);
    expect(ids(open, says("grant", "m1", "c"))).toEqual([]);
    expect(ids(open, says("grant", "m1"))).toEqual(["m1"]);
    expect(ids(open, says("grant", "m1"))).toEqual([]);
  });

  it("forgets what is refused, withdrawn, or proposed to an agent that is gone", () => {
    const open = new OpenProposals();
    for (const id of ["m1", "m2", "m3"]) open.grantedBy(heard("propose", id));
    open.grantedBy(says("refuse", "m1"));
    open.grantedBy(heard("abort", "m2"));
    open.forget("a");
    for (const id of ["m1", "m2", "m3"]) expect(ids(open, says("grant", id))).toEqual([]);
  });

  it("remembers a bounded number a host", () => {
    const open = new OpenProposals();
    for (let index = 0; index <= 64; index += 1) open.grantedBy(heard("propose", `m${index}`));
    expect(ids(open, says("grant", "m0"))).toEqual([]);
    expect(ids(open, says("grant", "m1"))).toEqual(["m1"]);
  });
});
