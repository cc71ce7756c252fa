import { describe, expect, it } from "vitest";
import { verbFailure, verbSuccess } from "#lib/core/verb-results.ts";
import type { Verb } from "#lib/model/verb.ts";
import {
  copies,
  line,
  NodeDriver,
  ownLine,
  proposal,
  settledDriver,
  specOf,
} from "../../support/node-driver.ts";
import { inventoryRecord } from "../../support/view-records.ts";

const stopDb: Verb = { verb: "stop", vm: "db", force: false };

function withForeignDb() {
  const driver = settledDriver();
  driver.hear("QmOther", { name: "other" }, ["db"]);
  driver.forget();
  return driver;
}

describe("VerbDesk", () => {
  it("sets the mode for all: durable, then news, then the answer", () => {
    const driver = settledDriver();
    expect(driver.ask({ verb: "mode", mode: "act" })).toMatchObject({ status: 200 });
    const order = driver.last.map((effect) => effect.type);
    expect(order.filter((type) => type !== "notice")).toEqual(["persist", "broadcast", "reply"]);
    expect(driver.kept("doc/mode")).toMatchObject({ version: 1, author: driver.self });
    expect(driver.ask({ verb: "mode", mode: "act" })?.message).toContain("already");
    expect(driver.kept("doc/mode")).toMatchObject({ version: 1 });
    driver.ask({ verb: "mode", mode: "hold" });
    expect(driver.kept("doc/mode")).toMatchObject({ version: 2 });
  });

  it("writes hold down when asked for the first time: it was only presumed", () => {
    const driver = settledDriver();
    driver.ask({ verb: "mode", mode: "hold" });
    expect(driver.kept("doc/mode")).toMatchObject({ version: 1 });
  });

  it("drains and undrains, over a restart", () => {
    const driver = settledDriver();
    driver.ask({ verb: "drain", host: driver.self });
    expect(driver.kept("meta/draining")).toBe(true);
    expect(driver.node.snapshot(driver.nowMs).draining).toBe(true);
    const next = settledDriver();
    expect(next.node.snapshot(next.nowMs).draining).toBe(false);
    driver.ask({ verb: "undrain", host: driver.self });
    expect(driver.kept("meta/draining")).toBeUndefined();
  });

  it("hands a verb to the host that owns its VM, and passes its answer on", () => {
    const driver = withForeignDb();
    expect(driver.ask(stopDb)).toBeUndefined();
    const requestId = driver.lastRequest;
    expect(driver.sends("verbRequest")).toEqual([
      { to: "QmOther", message: { type: "verbRequest", requestId, verb: stopDb } },
    ]);
    const result = verbSuccess(200, "db is stopped");
    driver.receive("QmThird", { type: "verbReply", requestId, result });
    expect(driver.replyTo(requestId)).toBeUndefined();
    driver.receive("QmOther", { type: "verbReply", requestId, result });
    driver.receive("QmOther", { type: "verbReply", requestId, result });
    expect(driver.replyTo(requestId)).toEqual(result);
  });

  it("answers for a host that does not, after a minute, and once", () => {
    const driver = withForeignDb();
    driver.ask(stopDb);
    const requestId = driver.lastRequest;
    driver.wait(59_000);
    expect(driver.replyTo(requestId)).toBeUndefined();
    driver.wait(1_000);
    expect(driver.replyTo(requestId)).toMatchObject({ status: 504 });
    const result = verbSuccess(200, "late");
    driver.receive("QmOther", { type: "verbReply", requestId, result });
    expect(driver.replyTo(requestId)).toMatchObject({ status: 504 });
  });

  it("does not wait for an owner that is dead", () => {
    const driver = withForeignDb();
    driver.mute("QmOther");
    driver.wait(20_000);
    expect(driver.ask(stopDb)).toEqual(verbFailure(503, "other is dead: only it can do this"));
  });

  it("bounds what it hands on", () => {
    const driver = withForeignDb();
    for (let i = 0; i < 64; i++) expect(driver.ask(stopDb)).toBeUndefined();
    expect(driver.ask(stopDb)).toMatchObject({ status: 503 });
  });

  it("knows no VM that nobody shows", () => {
    const driver = settledDriver();
    expect(driver.ask({ verb: "start", vm: "ghost" })).toMatchObject({ status: 404 });
  });

  it("carries out a peer's verb on its own VM, and answers the peer", () => {
    const driver = settledDriver({ own: ["web"] });
    const verb: Verb = { verb: "stop", vm: "web", force: true };
    driver.receive("QmOther", { type: "verbRequest", requestId: "7", verb });
    expect(driver.runs()).toEqual([{ op: "stop", vm: "web", force: true }]);
    driver.end("stop", null);
    expect(driver.sends("verbReply")).toMatchObject([
      { to: "QmOther", message: { requestId: "7", result: { status: 200 } } },
    ]);
    expect(driver.all.some((effect) => effect.type === "reply")).toBe(false);
  });

  it("does not hand a peer's verb on", () => {
    const driver = withForeignDb();
    driver.receive("QmThird", { type: "verbRequest", requestId: "7", verb: stopDb });
    expect(driver.sends("verbRequest")).toEqual([]);
    expect(driver.sends("verbReply")[0]?.message.result.status).toBe(404);
  });

  it("lets the source cancel and explain a VM that is on its way here", () => {
    const driver = settledDriver();
    driver.receive("QmOther", proposal("web"));
    driver.wait(200);
    driver.end("admit", { refusal: null });
    for (const verb of ["cancel", "explain"] as const) {
      driver.ask({ verb, vm: "web" });
      expect(driver.sends("verbRequest").map(({ to }) => to)).toEqual(["QmOther"]);
    }
    const answer = driver.ask({ verb: "stop", vm: "web", force: false });
    expect(answer).toMatchObject({ status: 409 });
    expect(answer?.message).toContain("web.8.00112233445566aa");
  });

  it.each([
    ["another host fenced", "QmThird", "fence that host, and name it"],
    ["nothing in doubt", "QmOther", "is not in doubt"],
  ])("resolves no move with %s", (_, fenced, words) => {
    const driver = settledDriver();
    driver.receive("QmOther", proposal("web"));
    driver.wait(200);
    driver.end("admit", { refusal: null });
    const verb = { verb: "resolve", vm: "web", decision: "discard", fenced } as const;
    const answer = driver.ask(verb);
    expect(answer?.status).toBe(409);
    expect(answer?.message).toContain(words);
  });

  it.each([
    ["at the version that it had then", 8, 409],
    ["at an older one, which was before", 7, 202],
  ])("runs no held copy here that a third host has %s", (_, version, status) => {
    const { spec } = JSON.parse(ownLine("web").value ?? "");
    const move = { moveId: "web.8.00112233445566aa", vm: "web", peer: "QmOther", version: 7, spec };
    const fields = { reason: "imbalance", gain: 0.1, cost: 0.01, recentMoves: 0, detail: "" };
    const held = { ...move, ...fields, role: "target", phase: "held" };
    const driver = new NodeDriver();
    const journal = [line("meta/boot-id", "boot-1"), line(`move/${move.moveId}`, held)];
    driver.start({ journal, copies: copies({ web: "received" }) });
    driver.wait(15_000);
    const third = inventoryRecord("QmThird", 1, { web: "running" });
    const vms = third.body.vms.map((entry) => ({ ...entry, version }));
    driver.gossip("QmThird", { records: [{ ...third, body: { ...third.body, vms } }] });
    const verb = { verb: "resolve", vm: "web", decision: "run-here", fenced: "QmOther" } as const;
    expect(driver.ask(verb)?.status).toBe(status);
  });

  it("has nothing to cancel or resolve where no move is", () => {
    const driver = settledDriver({ own: ["web"] });
    expect(driver.ask({ verb: "cancel", vm: "web" })).toMatchObject({ status: 409 });
    const verb = { verb: "resolve", vm: "web", decision: "discard", fenced: "QmOther" } as const;
    expect(driver.ask(verb)).toMatchObject({ status: 409 });
  });

  it("explains with the figures that decide", () => {
    const driver = settledDriver({ own: ["web"] });
    const data = JSON.parse(driver.ask({ verb: "explain", vm: "web" })?.data ?? "");
    expect(data).toMatchObject({ vm: "web", hostName: "self", candidates: [{ toName: "other" }] });
  });
});

describe("VerbDesk without a key", () => {
  it.each<Verb>([
    { verb: "mode", mode: "act" },
    { verb: "drain", host: "QmSelf" },
    { verb: "migrate", vm: "web", target: "QmOther" },
    { verb: "drain", host: "QmOther" },
  ])("refuses $verb", (verb) => {
    const driver = settledDriver({ keyed: false, own: ["web"] });
    expect(driver.ask(verb)).toMatchObject({ status: 403 });
    expect(driver.runs()).toEqual([]);
    expect(driver.sends("verbRequest")).toEqual([]);
  });

  it("takes no orders from anybody", () => {
    const driver = settledDriver({ keyed: false, own: ["web"] });
    const verb: Verb = { verb: "stop", vm: "web", force: true };
    expect(driver.receive("QmOther", { type: "verbRequest", requestId: "7", verb })).toEqual([]);
    expect(driver.receive("QmOther", proposal("db"))).toEqual([]);
    driver.ask({ verb: "define", spec: specOf("own") });
    expect(driver.kept("vm/own")).toBeDefined();
  });
});
