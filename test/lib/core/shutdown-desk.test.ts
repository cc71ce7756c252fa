import { describe, expect, it } from "vitest";
import { noPolicy } from "#lib/model/policy-change.ts";
import type { VmPolicy } from "#lib/model/vm-spec.ts";
import { copies, NodeDriver, ownLine, specOf } from "../../support/node-driver.ts";
import { inventoryRecord } from "../../support/view-records.ts";

type Rules = Partial<VmPolicy>;

/** A host with these VMs, all running. */
function host(vms: Readonly<Record<string, Rules>>, { beside = true } = {}): NodeDriver {
  const driver = new NodeDriver();
  const names = Object.keys(vms);
  const running = Object.fromEntries(names.map((name) => [name, "running" as const]));
  const journal = Object.entries(vms).map(([name, rules]) =>
    ownLine(name, { spec: specOf(name, { policy: { ...noPolicy, ...rules } }) }),
  );
  driver.start({ journal, copies: copies(running) });
  if (beside) driver.hear("QmOther", { name: "other" });
  driver.sample(6, Object.fromEntries(names.map((name) => [name, 0.1])));
  driver.forget();
  return driver;
}

function shutDown(driver: NodeDriver, deadlineMs = 240_000): void {
  expect(driver.ask({ verb: "shutdown", deadlineMs })).toMatchObject({ status: 202 });
}

function states(driver: NodeDriver): Readonly<Record<string, string>> {
  const { vms = [] } = driver.node.snapshot(driver.nowMs).shutdown ?? {};
  return Object.fromEntries(vms.map(({ vm, state }) => [vm, state]));
}

const done = (driver: NodeDriver) => driver.node.snapshot(driver.nowMs).shutdown?.isDone;

/** Names of the VMs that were ended in these effects, in order. */
function ended(driver: NodeDriver): readonly string[] {
  return driver.runs(driver.all).flatMap((op) => {
    if (op.op === "stop") return [`stop ${op.vm}`];
    return op.op === "suspend" ? [`suspend ${op.spec.name}`] : [];
  });
}

describe("ShutdownDesk", () => {
  it("ends each guest as its policy says, and wants it to run again", () => {
    const driver = host({
      ...{ off: {}, sleeper: { shutdown: "suspend" } },
      ...{ alone: { shutdown: "leave" }, hers: { managed: false, shutdown: "suspend" } },
    });
    shutDown(driver);
    expect(ended(driver)).toEqual(["stop off", "suspend sleeper"]);
    driver.end("stop", null);
    driver.end("suspend", { imageBytes: 1 });
    const left = { alone: "running", hers: "running", sleeper: "suspended" } as const;
    driver.list(left);
    driver.list(left);
    const over = { off: "off", sleeper: "suspended", alone: "left", hers: "left" };
    expect(states(driver)).toEqual(over);
    expect(done(driver)).toBe(true);
    const kept = ["off", "sleeper"].map((vm) => driver.kept(`vm/${vm}`));
    expect(kept).toMatchObject([{ desired: "running" }, { desired: "running" }]);
    expect(driver.notices("vm-lost")).toEqual([]);
    expect(driver.notices("shutdown")).toHaveLength(4);
  });

  it("ends those of the least priority first", () => {
    const driver = host({ db: { priority: 90 }, web: { priority: 10 }, app: {} });
    shutDown(driver);
    expect(ended(driver)).toEqual(["stop web"]);
    driver.end("stop", null);
    expect(ended(driver)).toEqual(["stop web", "stop app"]);
    driver.end("stop", null);
    expect(ended(driver)).toEqual(["stop web", "stop app", "stop db"]);
  });

  it("ends four at one time, and all that is left when time runs out", () => {
    const driver = host(Object.fromEntries(Array.from({ length: 6 }, (_, i) => [`vm-${i}`, {}])));
    shutDown(driver, 60_000);
    expect(ended(driver)).toHaveLength(4);
    driver.wait(16_000);
    expect(ended(driver)).toHaveLength(6);
  });

  it("has those leave that are to migrate, and none of the others", () => {
    const driver = host({ mover: { shutdown: "migrate" }, alone: { shutdown: "leave" } });
    shutDown(driver);
    driver.sample(8, { mover: 0.1, alone: 0.1 });
    const offered = driver.runs(driver.all).filter(({ op }) => op === "offer");
    expect(offered).toMatchObject([{ spec: { name: "mover" } }]);
    expect(states(driver)).toMatchObject({ mover: "leaving" });
    expect(ended(driver)).toEqual([]);
  });

  it.each([
    ["no other host", { beside: false, rules: {} }, "no other host takes VMs"],
    ["its pin", { beside: true, rules: { pin: "self" } }, "it is pinned here"],
    ["the balancer's orders", { beside: true, rules: { ignore: true } }, "ignore"],
  ])("suspends at once who was to migrate and cannot for %s", (_, { beside, rules }, words) => {
    const driver = host({ mover: { shutdown: "migrate", ...rules } }, { beside });
    shutDown(driver);
    expect(ended(driver)).toEqual(["suspend mover"]);
    driver.end("suspend", { imageBytes: 1 });
    expect(driver.notices("shutdown")[0]?.message).toContain(words);
  });

  it("suspends who was to migrate once nobody has taken it for a while", () => {
    const driver = host({ mover: { shutdown: "migrate" } });
    shutDown(driver);
    driver.wait(19_000);
    expect(ended(driver)).toEqual([]);
    driver.wait(2_000);
    expect(ended(driver)).toEqual(["suspend mover"]);
  });

  it("powers off who cannot be suspended, and says so when neither works", () => {
    const driver = host({ web: { shutdown: "suspend" } });
    shutDown(driver);
    driver.fail("suspend", "STORAGE");
    expect(ended(driver)).toEqual(["suspend web", "stop web"]);
    driver.fail("stop", "TIMED_OUT");
    expect(states(driver)).toEqual({ web: "failed" });
    expect(done(driver)).toBe(true);
    expect(driver.notices("shutdown")).toMatchObject([{ level: "warn" }]);
  });

  it("starts nobody meanwhile, and takes it all back with undrain", () => {
    const driver = host({ web: {}, db: { shutdown: "leave" } });
    shutDown(driver);
    driver.end("stop", null);
    driver.list({ db: "running" });
    expect(driver.ask({ verb: "start", vm: "web" })).toMatchObject({ status: 409 });
    driver.ask({ verb: "undrain", host: driver.self });
    expect(driver.node.snapshot(driver.nowMs).shutdown).toBeNull();
    driver.ask({ verb: "start", vm: "web" });
    expect(driver.runs()).toMatchObject([{ op: "start" }]);
  });

  it("is done at once where nothing runs", () => {
    const driver = host({});
    shutDown(driver);
    expect(done(driver)).toBe(true);
    expect(driver.node.snapshot(driver.nowMs).draining).toBe(true);
    expect(driver.kept("meta/draining")).toBeUndefined();
  });

  it("leaves what runs at the next boot to be resumed, but for what another host has by then", () => {
    const driver = new NodeDriver();
    const peer = { key: "peer/QmOther", value: '{"addresses":[],"probePort":1}' };
    const journal = [ownLine("web"), ownLine("db"), peer];
    const suspended = copies({ web: "suspended", db: "suspended" });
    driver.start({ journal, copies: suspended, bootId: "boot-2" });
    driver.hear("QmOther", { name: "other" });
    const news = inventoryRecord("QmOther", 2, { db: "running" });
    const vms = news.body.vms.map((vm) => ({ ...vm, version: 9 }));
    driver.gossip("QmOther", {
      records: [{ ...news, incarnation: 1, body: { ...news.body, vms } }],
    });
    driver.wait(40_000);
    const resumed = driver
      .runs(driver.all)
      .flatMap((op) => (op.op === "resume" ? [op.spec.name] : []));
    expect(resumed).toEqual(["web"]);
    expect(driver.notices("owner-elsewhere")[0]?.message).toContain("db is not started");
  });
});
