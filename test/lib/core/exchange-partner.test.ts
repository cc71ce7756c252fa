import { describe, expect, it } from "vitest";
import type { ExchangeMessage } from "#lib/wire/messages.ts";
import { bigVm, ExchangeBench, vmBytes } from "../../support/exchange-bench.ts";
import { summaryRecord } from "../../support/view-records.ts";

const GIB = 2 ** 30;
const exchangeId = "0123456789abcdef";

/** The busy host's offer of b1 for i1. */
function offer(changes: Partial<ExchangeMessage> = {}): ExchangeMessage {
  const { load, policy } = bigVm("b1", 3);
  const { body } = summaryRecord("busy", 1);
  const source = {
    ...body,
    name: "busy",
    cpuCapacityCores: 10,
    memoryCapacityBytes: 100 * GIB,
    projectedCpuCores: 9,
    projectedMemoryBytes: 95 * GIB,
  };
  const give = { vm: "b1", memoryBytes: vmBytes, load, policy };
  const message = { type: "exchange", exchangeId, give, take: "i1", gain: 0.3, source } as const;
  return { ...message, holdMs: 20_000, ...changes };
}

function asked(changes: Partial<ExchangeMessage> = {}, bench = new ExchangeBench("idle")) {
  bench.desk.onMessage("busy", offer(changes), bench.nowMs);
  const [answer] = bench.said("exchangeAnswer");
  return { bench, refusal: answer?.message.refusal };
}

function passOn(bench: ExchangeBench, vm = "i1", id = exchangeId) {
  const message = { type: "passOn", exchangeId: id, vm, to: "third" } as const;
  bench.desk.onMessage("busy", message, bench.nowMs);
}

const roomFor = (bench: ExchangeBench, vm: string) => {
  bench.ledger.memoryIs({ capacityBytes: vmBytes, usedBytes: 0 });
  return bench.ledger.refusalIn({ vm, memoryBytes: vmBytes }) === null;
};

describe("ExchangePartner", () => {
  it("agrees when its own figures agree, and keeps memory for what is to come", () => {
    const { bench, refusal } = asked();
    expect(refusal).toBeNull();
    expect([roomFor(bench, "other"), roomFor(bench, "b1")]).toEqual([false, true]);
    expect(bench.guests.get("i1")?.cooldownUntilMs).toBe(bench.nowMs + 20_000);
    expect(bench.desk.swapRefusal("other")).toBe("is in another exchange");
  });

  it("lets go of the memory when the exchange is over, or when nobody says that it goes on", () => {
    const told = asked().bench;
    told.desk.onMessage("busy", { type: "exchangeOver", exchangeId }, told.nowMs);
    expect(roomFor(told, "other")).toBe(true);

    const { bench } = asked();
    bench.wait(15_000);
    bench.desk.onMessage("busy", offer(), bench.nowMs);
    expect(bench.said("exchangeAnswer")).toEqual([]);
    bench.wait(15_000);
    expect(roomFor(bench, "other")).toBe(false);
    bench.wait(6_000);
    expect(roomFor(bench, "other")).toBe(true);
    expect(bench.desk.busy).toBe(false);
  });

  it.each([
    { name: "the VM is not here", changes: { take: "nobody" }, words: "nobody is not on idle" },
    {
      name: "it would win nothing",
      changes: { give: { ...offer().give, load: bigVm("b1", 0.1).load } },
      words: "i1 for b1 would not make the cluster more even",
    },
    {
      name: "its memory would be tighter than it is",
      changes: { give: { ...offer().give, memoryBytes: 2 * vmBytes } },
      words: "too little memory left",
    },
    {
      name: "a rule forbids it",
      changes: { give: { ...offer().give, policy: { ...offer().give.policy, pin: "busy" } } },
      words: "b1 is pinned to busy",
    },
  ])("refuses when $name", ({ changes, words }) => {
    const { bench, refusal } = asked(changes);
    expect(refusal).toContain(words);
    expect(roomFor(bench, "other")).toBe(true);
  });

  it("refuses when it is on hold, drains, is in an exchange, or the VM rests", () => {
    const held = new ExchangeBench("idle");
    held.held = "the cluster is on hold";
    expect(asked({}, held).refusal).toBe("the cluster is on hold");
    const draining = new ExchangeBench("idle");
    draining.own = { ...draining.own, draining: true };
    expect(asked({}, draining).refusal).toBe("idle is draining");
    const { bench } = asked();
    const second = asked({ exchangeId: "f".repeat(16) }, bench);
    expect(second.refusal).toBe("idle is in another exchange");
    const resting = new ExchangeBench("idle");
    resting.vms = [bigVm("i1", 0.1, { cooldownUntilMs: resting.nowMs + 1 })];
    expect(asked({}, resting).refusal).toContain("rests");
  });

  it("proposes a leg of its exchange, once, and tells when the VM has arrived", () => {
    const { bench } = asked();
    passOn(bench);
    bench.underWay = true;
    passOn(bench);
    expect(bench.proposed).toEqual(["i1 to third"]);
    expect(bench.said("passedOn")).toEqual([]);
    bench.desk.departed("i1", "third", bench.nowMs);
    passOn(bench);
    const told = { to: "busy", message: { type: "passedOn", exchangeId, vm: "i1", refusal: null } };
    expect(bench.said("passedOn")).toEqual([told, told]);
  });

  it("tells when the leg is refused, or failed, and proposes it anew when asked again", () => {
    const { bench } = asked();
    passOn(bench);
    bench.desk.swapRefused("i1", "third refused: it is full");
    expect(bench.said("passedOn")[0]?.message.refusal).toBe("third refused: it is full");
    passOn(bench);
    passOn(bench);
    expect(bench.proposed).toHaveLength(3);
    bench.objection = "third is draining";
    passOn(bench);
    expect(bench.said("passedOn")[0]?.message.refusal).toBe("third is draining");
  });

  it("passes on no VM that is in no exchange here", () => {
    const { bench } = asked();
    passOn(bench, "i2");
    passOn(bench, "i1", "f".repeat(16));
    passOn(bench, "nobody");
    expect(bench.proposed).toEqual([]);
    expect(bench.said("passedOn").map(({ message }) => message.refusal)).toEqual([
      "i2 is in no exchange here",
      "i1 is in no exchange here",
      "nobody is not here",
    ]);
  });

  it("passes on a VM that came by an exchange, whoever asks", () => {
    const bench = new ExchangeBench("idle");
    const outcome = {
      ...{ moveId: "i2.2.0123456789abcdef", vm: "i2", from: "busy", to: "idle" },
      ...{ gain: 1, cost: 0, detail: "", durationMs: 1, downtimeMs: 1, transferredBytes: 1 },
      ...({ result: "moved", endedAtMs: bench.nowMs } as const),
    };
    bench.history.add({ ...outcome, reason: "imbalance" });
    passOn(bench, "i2");
    expect(bench.proposed).toEqual([]);
    bench.history.add({ ...outcome, reason: "swap" });
    passOn(bench, "i2");
    expect(bench.proposed).toEqual(["i2 to third"]);
    bench.nowMs += 2 * 3_600_000;
    passOn(bench, "i2");
    expect(bench.proposed).toHaveLength(1);
  });
});
