import { describe, expect, it } from "vitest";
import { bigVm, ExchangeBench, vmBytes } from "../../support/exchange-bench.ts";

/** A busy host whose partner has agreed: i1 goes round by the third host, b1 to the idle one. */
function agreed() {
  const bench = new ExchangeBench("busy");
  bench.rounds(3);
  const [asked] = bench.said("exchange");
  if (!asked) throw new Error("no exchange was asked for");
  const { exchangeId } = asked.message;
  bench.desk.onMessage("idle", { type: "exchangeAnswer", exchangeId, refusal: null }, bench.nowMs);
  const passedOn = (from: string, refusal: string | null = null, vm = "i1") =>
    bench.desk.onMessage(from, { type: "passedOn", exchangeId, vm, refusal }, bench.nowMs);
  return { bench, exchangeId, passedOn };
}

/** With the memory that is there without any reserve. */
function roomFor(bench: ExchangeBench, vm: string): string | null {
  bench.ledger.memoryIs({ capacityBytes: vmBytes, usedBytes: 0 });
  return bench.ledger.refusalIn({ vm, memoryBytes: vmBytes });
}

describe("ExchangeDesk", () => {
  it("asks for an exchange only after three rounds in a row in which nothing fits", () => {
    const bench = new ExchangeBench("busy");
    bench.rounds(2);
    bench.nowMs += 20_000;
    bench.rounds(2);
    expect(bench.said("exchange")).toEqual([]);
    bench.rounds(1);
    expect(bench.said("exchange")).toMatchObject([
      { to: "idle", message: { give: { vm: "b1" }, take: "i1", holdMs: 20_000 } },
    ]);
    bench.rounds(5);
    expect(bench.said("exchange")).toEqual([]);
  });

  it.each([
    ["the cluster is on hold", (bench: ExchangeBench) => (bench.held = "on hold")],
    ["it drains", (bench: ExchangeBench) => (bench.own = { ...bench.own, draining: true })],
    [
      "memory is not what is short",
      (bench: ExchangeBench) => {
        bench.others = bench.others.map((host) => ({ ...host, memoryBytes: vmBytes }));
      },
    ],
  ])("asks for none while %s", (_name, change) => {
    const bench = new ExchangeBench("busy");
    change(bench);
    bench.rounds(10);
    expect(bench.said("exchange")).toEqual([]);
  });

  it("has each leg begun when the one before has ended, and tells when all is over", () => {
    const { bench, exchangeId, passedOn } = agreed();
    expect(bench.said("passOn")).toMatchObject([
      { to: "idle", message: { exchangeId, vm: "i1", to: "third" } },
    ]);
    passedOn("idle");
    expect(bench.proposed).toEqual(["b1 to idle"]);
    bench.desk.departed("b1", "idle", bench.nowMs);
    expect(bench.said("passOn")).toMatchObject([
      { to: "third", message: { exchangeId, vm: "i1", to: "busy" } },
    ]);
    passedOn("third");
    expect(bench.said("exchangeOver")).toEqual([
      { to: "idle", message: { type: "exchangeOver", exchangeId } },
    ]);
    expect(bench.desk.busy).toBe(false);
    expect(bench.desk.nextTimeoutMs()).toBeUndefined();
  });

  it("keeps memory for the VM that is to come, and for no other, until the end", () => {
    const { bench, passedOn } = agreed();
    expect(roomFor(bench, "other")).toContain("0 MiB of its");
    expect(roomFor(bench, "i1")).toBeNull();
    expect(bench.desk.swapRefusal("other")).toBe("is in another exchange");
    expect(bench.desk.swapRefusal("i1")).toBeNull();
    passedOn("idle");
    bench.desk.departed("b1", "elsewhere", bench.nowMs);
    expect(bench.desk.busy).toBe(false);
    expect(roomFor(bench, "other")).toBeNull();
  });

  it("has the balancer leave its VM alone while the exchange goes on", () => {
    const { bench } = agreed();
    const rests = () => (bench.guests.get("b1")?.cooldownUntilMs ?? 0) > bench.nowMs;
    bench.wait(30_000);
    expect(rests()).toBe(true);
  });

  it("repeats what was not heard, and says while it goes on that it does", () => {
    const { bench } = agreed();
    bench.said("passOn");
    bench.wait(4_000);
    expect(bench.said("passOn")).toHaveLength(2);
    bench.wait(10_000);
    expect(bench.said("exchange")).toHaveLength(2);
  });

  it("does not propose a leg anew while it is under way", () => {
    const { bench, passedOn } = agreed();
    passedOn("idle");
    bench.underWay = true;
    // It is given away before its copy is gone and the move ends.
    const b1 = bench.guests.get("b1")?.owned;
    bench.guests.disown("b1");
    bench.wait(20_000);
    expect(bench.proposed).toHaveLength(1);
    if (b1) bench.guests.own(b1, null, 0);
    bench.underWay = false;
    bench.wait(3_000);
    expect(bench.proposed.length).toBeGreaterThan(1);
  });

  it.each([
    { name: "a stranger", from: "third", vm: "i1" },
    { name: "its partner of another VM", from: "idle", vm: "i2" },
  ])("believes no $name that a leg has ended", ({ from, vm }) => {
    const { bench, passedOn } = agreed();
    passedOn(from, null, vm);
    expect(bench.proposed).toEqual([]);
  });

  it("looks for another pair at once when it is refused, and leaves that host alone", () => {
    const bench = new ExchangeBench("busy");
    bench.others.push({ ...bench.own, cpuCores: 1, host: "idle-2", name: "idle-2" });
    bench.inventories.set("idle-2", [bigVm("j1", 0.1)]);
    bench.rounds(3);
    const [asked] = bench.said("exchange");
    const { exchangeId } = asked?.message ?? { exchangeId: "" };
    const answer = { type: "exchangeAnswer", exchangeId, refusal: "no" } as const;
    bench.desk.onMessage(asked?.to ?? "", answer, bench.nowMs);
    bench.rounds(1);
    const [again] = bench.said("exchange");
    expect(new Set([asked?.to, again?.to])).toEqual(new Set(["idle", "idle-2"]));
  });

  it("gives up when the partner does not answer, a leg is refused for good, or a host is gone", () => {
    const silent = new ExchangeBench("busy");
    silent.rounds(3);
    silent.wait(6_000);
    expect(silent.desk.busy).toBe(false);

    const { bench, passedOn } = agreed();
    for (let i = 0; i < 3; i++) passedOn("idle", "third refused: it is full");
    expect(bench.desk.busy).toBe(false);

    const lost = agreed();
    lost.passedOn("idle");
    lost.bench.others = lost.bench.others.filter(({ host }) => host !== "idle");
    lost.bench.wait(3_000);
    expect(lost.bench.desk.busy).toBe(false);
    expect(lost.bench.said("exchangeOver")).toHaveLength(1);
  });

  it("gives up when its VM is gone", () => {
    const { bench, passedOn } = agreed();
    bench.guests.disown("b1");
    passedOn("idle");
    expect(bench.proposed).toEqual([]);
    expect(bench.desk.busy).toBe(false);
  });

  it("gives up at last when a leg never ends", () => {
    const { bench, passedOn } = agreed();
    passedOn("idle");
    bench.underWay = true;
    bench.wait(3_600_000);
    expect(bench.desk.busy).toBe(false);
  });

  it("takes part in one exchange at a time", () => {
    const { bench } = agreed();
    bench.said("exchange");
    bench.desk.onMessage("third", offerFrom("0123456789abcdef"), bench.nowMs);
    const [answer] = bench.said("exchangeAnswer");
    expect(answer?.message.refusal).toBe("third comes second here");
  });
});

function offerFrom(exchangeId: string) {
  const { load, policy } = bigVm("t1", 5);
  const give = { vm: "t1", memoryBytes: vmBytes, load, policy };
  return {
    type: "exchange",
    exchangeId,
    give,
    take: "b2",
    gain: 1,
    holdMs: 1,
    source: {} as never,
  } as const;
}
