import { describe, expect, it } from "vitest";
import { emptyLoad, proposal, settledDriver, specOf } from "../../support/node-driver.ts";

const gatherMs = 200;
const MIB = 2 ** 20;

describe("Admission", () => {
  it("gathers, reserves, asks its hypervisor, and grants", () => {
    const driver = settledDriver();
    driver.receive("QmOther", proposal("web"));
    expect(driver.runs()).toEqual([]);
    driver.wait(gatherMs);
    expect(driver.runs(driver.all)).toMatchObject([
      { op: "admit", moveId: proposal("web").moveId },
    ]);
    expect(driver.sends("grant", driver.all)).toEqual([]);
    driver.end("admit", { refusal: null });
    expect(driver.sends("grant")).toMatchObject([{ to: "QmOther" }]);
    expect(driver.node.snapshot(driver.nowMs).counters).toMatchObject({
      proposalsReceived: 1,
      grants: 1,
      refusals: 0,
    });
  });

  it("counts what it granted as its own load from then on", () => {
    const driver = settledDriver();
    driver.receive("QmOther", proposal("web"));
    driver.wait(gatherMs);
    const own = () => driver.node.snapshot(driver.nowMs).members.find(({ self }) => self)?.summary;
    expect(own()).toMatchObject({ freeSlotsIn: 0, projectedCpuCores: 0.5, measuredCpuCores: 0 });
    expect(own()?.projectedMemoryBytes).toBe(64 * 2 ** 20);
    driver.end("admit", { refusal: "no such bridge" });
    expect(own()).toMatchObject({ freeSlotsIn: 1, projectedCpuCores: 0 });
    expect(driver.sends("refuse", driver.all)[0]?.message.lasting).toBe(true);
  });

  it("takes its word back when the memory is gone by the time that its hypervisor answers", () => {
    const driver = settledDriver();
    driver.receive("QmOther", proposal("web"));
    driver.wait(gatherMs);
    const memoryCapacityBytes = 1000 * MIB;
    driver.sample(1, {}, { ...emptyLoad, memoryCapacityBytes, reservedMemoryBytes: 990 * MIB });
    driver.end("admit", { refusal: null });
    expect(driver.sends("grant", driver.all)).toEqual([]);
    expect(driver.sends("refuse", driver.all)[0]?.message.reason).toBe(
      "self has given the memory to a guest of its own meanwhile",
    );
    expect(driver.sends("refuse", driver.all)[0]?.message.lasting).toBeUndefined();
  });

  it("takes in a leg of an exchange beyond the ordinary limit, and not beyond the brim", () => {
    const full = { ...emptyLoad, memoryCapacityBytes: 1000 * MIB };
    const answer = (reservedMib: number, reason: "imbalance" | "swap") => {
      const driver = settledDriver({ mode: "act" });
      driver.sample(2, {}, { ...full, reservedMemoryBytes: reservedMib * MIB });
      driver.receive("QmOther", proposal("web", { reason }));
      driver.wait(gatherMs);
      return (
        driver.sends("refuse", driver.all)[0]?.message.reason ?? driver.runs(driver.all)[0]?.op
      );
    };
    expect(answer(900, "imbalance")).toBe("self would be at 96 % of its memory (limit 90 %)");
    expect(answer(900, "swap")).toBe("admit");
    expect(answer(930, "swap")).toBe("self would be at 99.4 % of its memory (limit 99 %)");
  });

  it("grants the best of what it gathered and says to the rest why not", () => {
    const driver = settledDriver();
    driver.hear("QmThird", { name: "third" });
    driver.receive("QmOther", proposal("web", { reason: "drain" }));
    driver.receive("QmThird", proposal("db", { reason: "operator" }));
    driver.wait(gatherMs);
    expect(driver.runs(driver.all)).toMatchObject([{ op: "admit", moveId: proposal("db").moveId }]);
    const [refused] = driver.sends("refuse", driver.all);
    expect(refused).toMatchObject({ to: "QmOther" });
    expect(refused?.message.reason).toContain("no free slot");
    expect(refused?.message.summary.freeSlotsIn).toBe(0);
  });

  it.each([
    {
      name: "its move id does not name the VM",
      message: proposal("web", { moveId: "db.8.00112233445566aa" }),
      words: "does not name its VM",
    },
    {
      name: "its move id does not name the next version",
      message: proposal("web", { version: 6 }),
      words: "does not name its VM and version",
    },
    {
      name: "the cluster is on hold, for what is no operator's word",
      message: proposal("web", { reason: "imbalance" }),
      words: "on hold",
    },
    { name: "it has a VM of that name", message: proposal("own"), words: "is here already" },
  ])("refuses at once when $name", ({ message, words }) => {
    const driver = settledDriver({ own: ["own"] });
    driver.receive("QmOther", message);
    expect(driver.sends("refuse")[0]?.message.reason).toContain(words);
  });

  it("refuses at once while its slot is taken, and gathers again when it is free", () => {
    const driver = settledDriver();
    driver.hear("QmThird", { name: "third" });
    driver.receive("QmOther", proposal("web"));
    // Until the decision the slot is anybody's.
    driver.receive("QmThird", proposal("db"));
    expect(driver.sends("refuse", driver.all)).toEqual([]);
    driver.wait(gatherMs);
    driver.forget();
    driver.receive("QmThird", proposal("db", { random: "ffeeddccbbaa9988" }));
    expect(driver.sends("refuse")[0]?.message.reason).toBe("self is taking in another VM");
    expect(driver.node.nextTimeoutMs).toBeGreaterThan(driver.nowMs);
    driver.receive("QmOther", { type: "abort", moveId: proposal("web").moveId, reason: "changed" });
    driver.receive("QmOther", { type: "abort", moveId: proposal("db").moveId, reason: "changed" });
    driver.forget();
    driver.receive("QmThird", proposal("db", { random: "0123456789abcdef" }));
    expect(driver.sends("refuse", driver.all)).toEqual([]);
  });

  it("refuses what does not fit its memory, with the figures", () => {
    const driver = settledDriver();
    const spec = specOf("big", { memoryBytes: 2 ** 40 });
    driver.receive("QmOther", proposal("big", { spec }));
    driver.wait(gatherMs);
    expect(driver.sends("refuse", driver.all)[0]?.message.reason).toContain("memory");
    expect(driver.runs(driver.all)).toEqual([]);
  });

  it("passes on its hypervisor's refusal, and its failure", () => {
    for (const answer of ["refusal", "failure"]) {
      const driver = settledDriver();
      driver.receive("QmOther", proposal("web"));
      driver.wait(gatherMs);
      if (answer === "refusal") driver.end("admit", { refusal: "its disk is not the same here" });
      else driver.fail("admit");
      expect(driver.sends("refuse")).toHaveLength(1);
      expect(driver.sends("grant", driver.all)).toEqual([]);
      driver.forget();
      driver.receive("QmOther", proposal("web", { random: "ffeeddccbbaa9988" }));
      driver.wait(gatherMs);
      expect(driver.runs(driver.all)).toMatchObject([{ op: "admit" }]);
    }
  });

  it("judges a proposal that is heard twice once", () => {
    const driver = settledDriver();
    driver.receive("QmOther", proposal("web"));
    driver.wait(gatherMs);
    driver.receive("QmOther", proposal("web"));
    driver.wait(gatherMs);
    driver.end("admit", { refusal: null });
    driver.receive("QmOther", proposal("web"));
    driver.wait(gatherMs);
    expect(driver.sends("refuse", driver.all)).toEqual([]);
    expect(driver.sends("grant", driver.all)).toHaveLength(1);
  });

  it("forgets a proposal that is withdrawn, before and after its choice", () => {
    const abort = { type: "abort", moveId: proposal("web").moveId, reason: "changed" } as const;
    const early = settledDriver();
    early.receive("QmOther", proposal("web"));
    early.receive("QmOther", abort);
    early.wait(gatherMs);
    expect(early.runs(early.all)).toEqual([]);
    const late = settledDriver();
    late.receive("QmOther", proposal("web"));
    late.wait(gatherMs);
    late.receive("QmOther", abort);
    late.end("admit", { refusal: null });
    expect(late.sends("grant", late.all)).toEqual([]);
    const me = late.node.snapshot(late.nowMs).members.find(({ self }) => self);
    expect(me?.summary?.freeSlotsIn).toBe(1);
  });

  it("refuses the VM of a move that is not finished here, until it is only remembered", () => {
    const driver = settledDriver();
    driver.receive("QmOther", proposal("web"));
    driver.wait(gatherMs);
    driver.end("admit", { refusal: null });
    driver.receive("QmOther", { type: "begin", moveId: proposal("web").moveId });
    driver.receive("QmOther", proposal("web", { random: "ffeeddccbbaa9988" }));
    expect(driver.sends("refuse")[0]?.message.reason).toContain("not finished here");
    driver.fail("prepareIncoming");
    driver.end("discard", null);
    driver.receive("QmOther", proposal("web", { random: "ffeeddccbbaa9988" }));
    expect(driver.sends("refuse")).toEqual([]);
  });
});
