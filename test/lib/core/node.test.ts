import { describe, expect, it } from "vitest";
import {
  copies,
  emptyLoad,
  line,
  NodeDriver,
  ownLine,
  settledDriver,
} from "../../support/node-driver.ts";

describe("Node", () => {
  it("persists a new incarnation and the boot id before anything else", () => {
    const driver = new NodeDriver();
    driver.start({ journal: [line("meta/incarnation", 41), line("meta/boot-id", "boot-0")] });
    expect(driver.last[0]).toEqual({
      type: "persist",
      entries: [line("meta/incarnation", 42), line("meta/boot-id", "boot-1")],
    });
    expect(driver.node.snapshot(driver.nowMs).incarnation).toBe(42);
  });

  it("begins at incarnation 1", () => {
    const driver = new NodeDriver();
    driver.start();
    expect(driver.kept("meta/incarnation")).toBe(1);
  });

  it("refuses any event before the start, and a second start", () => {
    const driver = new NodeDriver();
    expect(() => driver.step({ type: "timeout" })).toThrow("the first event is `started`");
    expect(() => driver.node.snapshot(0)).toThrow("the first event is `started`");
    expect(driver.node.nextTimeoutMs).toBeUndefined();
    driver.start();
    expect(() => driver.start()).toThrow("starts once");
  });

  it("gives the same effects for the same events", () => {
    const run = () => {
      const driver = settledDriver({ own: ["web"], mode: "act" });
      driver.sample(20, { web: 3.5 });
      return JSON.stringify(driver.all);
    };
    expect(run()).toBe(run());
  });

  it("tells the transport whom it knew before", () => {
    const driver = new NodeDriver();
    const known = { addresses: ["/ip4/10.0.0.2/tcp/7000"], probePort: 7001 };
    driver.start({ journal: [line("peer/QmOther", known)] });
    expect(driver.last).toContainEqual({
      type: "peersKnown",
      peers: [{ host: "QmOther", ...known }],
    });
  });

  it("wants its next timeout in the future, for hours", () => {
    const driver = settledDriver({ own: ["web", "db"], mode: "act" });
    driver.sample(30, { web: 2, db: 2 });
    driver.wait(7_200_000);
    expect(driver.node.nextTimeoutMs).toBeGreaterThan(driver.nowMs);
  });

  it("tells at once what its guests need when it is first known, and later changes in time", () => {
    const driver = new NodeDriver();
    driver.start({ journal: [ownLine("web")], copies: copies({ web: "running" }) });
    driver.hear("QmOther", { name: "other" });
    const told = () => {
      driver.receive("QmOther", { type: "digest", entries: [], documents: [], verdicts: [] });
      const records = driver.sends("delta").flatMap(({ message }) => message.records);
      const own = records.find(({ host, kind }) => host === driver.self && kind === "inventory");
      return own?.kind === "inventory" ? own.body.vms[0]?.load : undefined;
    };
    driver.sample(2, { web: 2 });
    driver.wait(250);
    expect(told()).toBeNull();
    driver.sample(1, { web: 2 });
    driver.wait(250);
    expect(told()).toMatchObject({ cpuCores: 2 });
    // Then it is no news any more, and goes with the next regular word.
    driver.sample(1, { web: 2 });
    expect(driver.node.nextTimeoutMs).toBeGreaterThan(driver.nowMs);
  });

  it("looks again after its loop was late by seconds, and says so", () => {
    const driver = settledDriver();
    driver.step({ type: "timeout" }, (driver.node.nextTimeoutMs ?? 0) + 5_000);
    expect(driver.notices("late")).toEqual([]);
    driver.step({ type: "timeout" }, (driver.node.nextTimeoutMs ?? 0) + 5_001);
    expect(driver.notices("late")).toHaveLength(1);
    expect(driver.last[1]).toEqual({ type: "relist" });
  });

  it("is late once, however many events have queued up meanwhile", () => {
    const driver = settledDriver();
    const atMs = driver.nowMs + 7_000;
    driver.step({ type: "copiesListed", copies: [] }, atMs);
    expect(driver.notices("late")).toHaveLength(1);
    // The list that was asked for comes back before any timer has fired.
    driver.step({ type: "copiesListed", copies: [] }, atMs);
    driver.step({ type: "copiesListed", copies: [] }, atMs + 3);
    expect(driver.notices("late")).toHaveLength(1);
    expect(driver.last.filter(({ type }) => type === "relist")).toEqual([]);
  });

  it("asks for the full list now and then", () => {
    const driver = settledDriver();
    driver.wait(30_000);
    expect(driver.all.filter((effect) => effect.type === "relist")).toHaveLength(3);
  });

  it("ignores the end of an operation that this life did not start", () => {
    const driver = settledDriver();
    const result = { ok: true, value: null } as const;
    expect(driver.step({ type: "opEnded", opId: 4711, result })).toEqual([]);
  });

  it("tells the others its size as soon as it knows it", () => {
    const driver = new NodeDriver();
    driver.start();
    driver.nowMs += 1_000;
    driver.step({ type: "loadSampled", host: emptyLoad, vms: [] });
    expect(driver.node.nextTimeoutMs).toBe(driver.nowMs);
  });

  it("tells everybody at once that it leaves, and makes no more moves", () => {
    const driver = settledDriver({ own: ["web"] });
    driver.step({ type: "leaveAsked", forGood: true });
    const news = driver.last.find((effect) => effect.type === "broadcast");
    expect(news).toMatchObject({ message: { records: [{ body: { presence: "left" } }] } });
    driver.step({ type: "leaveAsked", forGood: false });
    const restart = driver.last.find((effect) => effect.type === "broadcast");
    expect(restart).toMatchObject({ message: { records: [{ body: { presence: "restarting" } }] } });
  });
});

describe("Node at the machine's boot", () => {
  const before = [line("meta/boot-id", "boot-0"), line("meta/incarnation", 1)];

  it.each([
    { name: "starts what should run", copy: {}, runs: ["start"] },
    { name: "resumes what is suspended", copy: { web: "suspended" as const }, runs: ["resume"] },
    { name: "starts what has a stale image", copy: { web: "stale" as const }, runs: ["start"] },
    { name: "starts what is only defined", copy: { web: "defined" as const }, runs: ["start"] },
    { name: "leaves alone what runs", copy: { web: "running" as const }, runs: [] },
  ])("$name", ({ copy, runs }) => {
    const driver = new NodeDriver();
    driver.start({ journal: [...before, ownLine("web")], copies: copies(copy) });
    expect(driver.runs().map(({ op }) => op)).toEqual(runs);
  });

  it.each(["stopped", "suspended"] as const)("does not start what should be %s", (desired) => {
    const driver = new NodeDriver();
    driver.start({ journal: [...before, ownLine("web", { desired })] });
    expect(driver.runs()).toEqual([]);
  });

  it("starts nothing when only the agent was restarted", () => {
    const driver = new NodeDriver();
    driver.start({ journal: [line("meta/boot-id", "boot-1"), ownLine("web")] });
    expect(driver.runs()).toEqual([]);
  });

  it("does not start what a move has in hand: the journal may have given it away", () => {
    const driver = new NodeDriver();
    const move = { ...moveLine("source"), phase: "committed" };
    driver.start({ journal: [...before, ownLine("web"), line(`move/${move.moveId}`, move)] });
    expect(driver.runs()).toEqual([]);
    expect(driver.sends("commit")).toMatchObject([{ to: "QmOther" }]);
  });
});

function moveLine(role: "source" | "target") {
  const move = { moveId: "web.8.00112233445566aa", vm: "web", peer: "QmOther", version: 7, role };
  const { spec } = JSON.parse(ownLine("web").value ?? "");
  return { ...move, spec, reason: "imbalance", gain: 0.1, cost: 0.01, recentMoves: 0 };
}
