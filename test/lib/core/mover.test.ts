import { describe, expect, it } from "vitest";
import { moveOfGuest } from "#lib/core/move-table.ts";
import type { TargetAnswer } from "#lib/wire/messages.ts";
import {
  copies,
  line,
  NodeDriver,
  ownLine,
  proposal,
  settledDriver,
  specOf,
} from "../../support/node-driver.ts";

const moveId = "web.8.00112233445566aa";

function moveLine(role: "source" | "target", phase: string) {
  const facts = { moveId, vm: "web", peer: "QmOther", version: 7, spec: specOf("web") };
  const why = { reason: "imbalance", gain: 0.1, cost: 0.01, recentMoves: 2 };
  return line(`move/${moveId}`, { ...facts, ...why, role, phase, detail: "" });
}

/** A target that took the VM in, up to running it. */
function taken(): NodeDriver {
  const driver = settledDriver();
  driver.receive("QmOther", proposal("web", { recentMoves: 1 }));
  driver.wait(200);
  driver.end("admit", { refusal: null });
  driver.receive("QmOther", { type: "begin", moveId });
  driver.end("prepareIncoming", null);
  driver.end("listenChannel", { port: 4001, address: null });
  driver.end("awaitIncoming", null);
  return driver;
}

/** What the node answers about a move that its journal does not have. */
function aboutForgotten(driver: NodeDriver, answer: TargetAnswer) {
  driver.receive("QmOther", { type: "targetAnswer", moveId, answer, detail: "" });
  return driver.sends("close");
}

describe("Mover as a target", () => {
  it("writes each phase before it tells it, and owns the VM in the same line", () => {
    const driver = taken();
    expect(driver.last[0]).toMatchObject({ type: "persist", entries: [{ key: `move/${moveId}` }] });
    expect(driver.sends("held")).toHaveLength(1);
    driver.receive("QmOther", { type: "commit", moveId });
    expect(driver.last[0]).toMatchObject({
      type: "persist",
      entries: [{ key: `move/${moveId}` }, { key: "vm/web" }],
    });
    expect(driver.kept("vm/web")).toMatchObject({ version: 8, desired: "running", recentMoves: 1 });
    expect(driver.runs()).toMatchObject([{ op: "runIncoming" }]);
    expect(driver.sends("targetAnswer")).toEqual([]);
  });

  it("keeps the place until the VM is its own, and knows its load at once", () => {
    const driver = taken();
    const own = () => driver.node.snapshot(driver.nowMs).members.find(({ self }) => self)?.summary;
    expect(own()).toMatchObject({ freeSlotsIn: 0, projectedMemoryBytes: 64 * 2 ** 20 });
    driver.receive("QmOther", { type: "commit", moveId });
    expect(own()).toMatchObject({ freeSlotsIn: 1, projectedMemoryBytes: 64 * 2 ** 20, vmCount: 1 });
    expect(own()?.projectedCpuCores).toBeCloseTo(0.5);
  });

  it("gives the place of a refused copy back once the copy is gone, and not before", () => {
    const driver = taken();
    const own = () => driver.node.snapshot(driver.nowMs).members.find(({ self }) => self)?.summary;
    driver.receive("QmOther", { type: "abort", moveId, reason: "changed" });
    expect(own()).toMatchObject({ freeSlotsIn: 0, projectedMemoryBytes: 64 * 2 ** 20 });
    driver.end("discard", null);
    expect(own()).toMatchObject({ freeSlotsIn: 1, projectedMemoryBytes: 0 });
  });

  it("disowns what was gone before it ran", () => {
    const driver = taken();
    driver.receive("QmOther", { type: "commit", moveId });
    driver.fail("runIncoming", "VM_ABSENT");
    expect(driver.kept("vm/web")).toBeUndefined();
    expect(driver.sends("targetAnswer")).toMatchObject([{ message: { answer: "refused" } }]);
  });

  it("counts and remembers the move when it is closed", () => {
    const driver = taken();
    driver.receive("QmOther", { type: "commit", moveId });
    driver.end("runIncoming", null);
    driver.receive("QmOther", { type: "close", moveId });
    expect(driver.kept(`move/${moveId}`)).toBeUndefined();
    const { history, counters, moves } = driver.node.snapshot(driver.nowMs);
    expect(history).toMatchObject([{ moveId, from: "QmOther", to: driver.self, result: "moved" }]);
    expect(counters.movesIn).toBe(1);
    expect(moves).toEqual([]);
  });

  it("hears only the other end of the move", () => {
    const driver = taken();
    driver.receive("QmThird", { type: "commit", moveId });
    expect(driver.runs()).toEqual([]);
    expect(driver.kept("vm/web")).toBeUndefined();
  });

  it("tells once that it is in doubt, and once that it is no longer", () => {
    const driver = taken();
    driver.wait(30_000);
    expect(driver.notices("in-doubt")).toHaveLength(1);
    expect(driver.node.snapshot(driver.nowMs).alarms).toMatchObject([{ code: "in-doubt" }]);
    driver.receive("QmOther", { type: "sourceAnswer", moveId, answer: "open" });
    expect(driver.notices("doubt-over")).toHaveLength(1);
  });
});

describe("Mover after a restart", () => {
  it.each([
    ["source", "transferring", ["moveVerdict"]],
    ["source", "committed", []],
    ["source", "aborted", ["moveVerdict"]],
    ["source", "takenBack", []],
    ["source", "discarding", ["discard"]],
    ["target", "held", ["moveVerdict"]],
    ["target", "running", ["moveVerdict"]],
    ["target", "receiving", ["closeChannel", "discard"]],
    ["target", "refused", ["discard"]],
  ] as const)("takes up a %s in %s", (role, phase, ops) => {
    const driver = new NodeDriver();
    const owned = role === "source" ? [ownLine("web")] : [];
    driver.start({
      journal: [...owned, moveLine(role, phase)],
      copies: copies({ web: "paused" }),
    });
    expect(driver.runs().map(({ op }) => op)).toEqual(ops);
    expect(driver.notices("stray-copy")).toEqual([]);
    const { moves } = driver.node.snapshot(driver.nowMs);
    expect(moves).toMatchObject([{ moveId, role, peer: "QmOther" }]);
  });

  it("keeps the reservations that the journal promises", () => {
    const driver = new NodeDriver();
    driver.start({ journal: [moveLine("target", "held")], copies: copies({ web: "received" }) });
    const me = driver.node.snapshot(driver.nowMs).members.find(({ self }) => self);
    expect(me?.summary).toMatchObject({ freeSlotsIn: 0, projectedMemoryBytes: 64 * 2 ** 20 });
  });

  it("takes an operator's decision that it has kept already once more", () => {
    const driver = new NodeDriver();
    driver.start({
      journal: [ownLine("web", { version: 9 }), moveLine("source", "aborted")],
      copies: copies({ web: "sent" }),
    });
    driver.fail("moveVerdict");
    driver.wait(30_000);
    const verb = { verb: "resolve", vm: "web", decision: "run-here", fenced: "QmOther" } as const;
    expect(driver.ask(verb)).toMatchObject({ status: 202 });
    expect(driver.kept("vm/web")).toMatchObject({ version: 9 });
    expect(driver.runs()).toMatchObject([{ op: "takeBack" }]);
  });
});

describe("Mover with a VM that it took back from a silent target", () => {
  const migrate = { verb: "migrate", vm: "web", target: "QmThird" } as const;
  const resolve = {
    verb: "resolve",
    vm: "web",
    decision: "run-here",
    fenced: "QmOther",
  } as const;

  function takenBack(): NodeDriver {
    const driver = new NodeDriver();
    driver.start({
      journal: [ownLine("web"), moveLine("source", "takenBack")],
      copies: copies({ web: "running" }),
    });
    for (const peer of ["QmOther", "QmThird"]) driver.hear(peer, { name: peer });
    driver.sample(6, { web: 0.5 });
    driver.forget();
    return driver;
  }

  it("keeps it here and asks, also after a restart, and the slot is free", () => {
    const driver = takenBack();
    expect(driver.ask(migrate)).toMatchObject({ status: 409 });
    expect(driver.ask(migrate)?.message).toContain("has not confirmed that it runs here");
    const asked = Array.from({ length: 40 }, () => {
      driver.wait(250);
      return driver.sends("query").filter(({ to }) => to === "QmOther").length;
    });
    expect(asked.reduce((sum, count) => sum + count)).toBeGreaterThan(1);
    const { members, vms, alarms } = driver.node.snapshot(driver.nowMs);
    expect(members.find(({ self }) => self)?.summary).toMatchObject({ freeSlotsOut: 1 });
    expect(vms).toMatchObject([{ name: "web", state: "running" }]);
    expect(alarms).toEqual([]);
  });

  it.each([
    ["the target refuses", (driver: NodeDriver) => answerOf(driver, "refused")],
    ["the target knows nothing of it", (driver: NodeDriver) => answerOf(driver, "unknown")],
    ["an operator has fenced it", (driver: NodeDriver) => driver.ask(resolve)],
  ])("lets it go again once %s", (_, settle) => {
    const driver = takenBack();
    settle(driver);
    expect(driver.kept(`move/${moveId}`)).toBeUndefined();
    expect(driver.node.snapshot(driver.nowMs).history).toMatchObject([{ result: "aborted" }]);
    driver.ask(migrate);
    expect(driver.runs()).toMatchObject([{ op: "offer" }]);
  });

  it("still lets it be stopped and suspended", () => {
    const driver = takenBack();
    driver.ask({ verb: "suspend", vm: "web" });
    expect(driver.runs()).toMatchObject([{ op: "suspend" }]);
  });

  function answerOf(driver: NodeDriver, answer: TargetAnswer): void {
    driver.receive("QmOther", { type: "targetAnswer", moveId, answer, detail: "" });
  }
});

describe("Mover and the verbs on a VM that moves", () => {
  it.each([
    { verb: "define", spec: specOf("web", { vcpus: 2 }) },
    { verb: "start", vm: "web" },
    { verb: "undefine", vm: "web" },
    { verb: "migrate", vm: "web", target: "QmThird" },
  ] as const)("refuses $verb while the move is unfinished, though no copy is here", (verb) => {
    const driver = new NodeDriver();
    driver.start({ journal: [ownLine("web"), moveLine("source", "committed")] });
    expect(driver.ask(verb)?.status).toBe(409);
    expect(driver.kept("vm/web")).toMatchObject({ version: 7, spec: { vcpus: 1 } });
  });

  it("refuses a second verb while the first is not done, and says which it is", () => {
    const driver = settledDriver({ own: ["web"] });
    driver.ask({ verb: "suspend", vm: "web" });
    const suspending = driver.lastRequest;
    const second = driver.ask({ verb: "stop", vm: "web", force: true });
    expect(second).toMatchObject({ status: 409, message: "web is suspending" });
    driver.end("suspend", { imageBytes: 9 });
    expect(driver.replyTo(suspending)).toMatchObject({ status: 200 });
  });
});

describe("Mover about moves that it forgot", () => {
  it.each([
    { name: "owns the VM still", own: 7, answer: "aborted" },
    { name: "never heard of it", own: undefined, answer: "unknown" },
  ])("answers a target's question when it $name", ({ own, answer }) => {
    const driver = new NodeDriver();
    driver.start({ journal: own === undefined ? [] : [ownLine("web", { version: own })] });
    driver.receive("QmOther", { type: "query", moveId, asker: "target" });
    expect(driver.sends("sourceAnswer")).toMatchObject([{ to: "QmOther", message: { answer } }]);
    driver.receive("QmOther", { type: "held", moveId });
    expect(driver.sends("sourceAnswer")).toMatchObject([{ message: { answer } }]);
  });

  it.each([
    { name: "runs it", own: 8, copy: { web: "running" as const }, answer: "running" },
    { name: "ran it", own: 8, copy: {}, answer: "ran" },
    { name: "never heard of it", own: undefined, copy: {}, answer: "unknown" },
  ])("answers a source when it $name", ({ own, copy, answer }) => {
    for (const type of ["begin", "commit", "query"] as const) {
      const driver = new NodeDriver();
      const journal = own === undefined ? [] : [ownLine("web", { version: own })];
      driver.start({ journal, copies: copies(copy) });
      const asked =
        type === "query" ? { type, moveId, asker: "source" as const } : { type, moveId };
      driver.receive("QmOther", asked);
      expect(driver.sends("targetAnswer")).toMatchObject([{ message: { answer } }]);
    }
  });

  it("lets the target forget what it gave away, and what has come back since", () => {
    const away = new NodeDriver();
    away.start();
    expect(aboutForgotten(away, "running")).toHaveLength(1);
    expect(aboutForgotten(away, "held")).toEqual([]);
    const back = new NodeDriver();
    back.start({ journal: [ownLine("web", { version: 9 })] });
    expect(aboutForgotten(back, "running")).toHaveLength(1);
    const never = new NodeDriver();
    never.start({ journal: [ownLine("web", { version: 7 })] });
    expect(aboutForgotten(never, "running")).toEqual([]);
    expect(aboutForgotten(never, "refused")).toHaveLength(1);
  });
});

describe("moveOfGuest()", () => {
  it("says nothing of a VM that no move has in hand", () => {
    expect(moveOfGuest(undefined, 0)).toBeUndefined();
  });
});
