import { describe, expect, it } from "vitest";
import { Prng } from "#lib/base/prng.ts";
import { Balancer, type BalancerOptions } from "#lib/core/balancer.ts";
import { MoveHistory } from "#lib/core/move-history.ts";
import { defaultCoreSettings } from "#lib/core/node-options.ts";
import { extremesOf } from "#lib/planning/extremes.ts";
import { defaultPlanningParams } from "#lib/planning/params.ts";
import { scaleOf } from "#lib/planning/potential.ts";
import type { VmFigures } from "#lib/planning/vm-figures.ts";
import {
  actDocument,
  copies,
  NodeDriver,
  ownLine,
  settledDriver,
} from "../../support/node-driver.ts";
import { hostFigures, vmFigures } from "../../support/planning-figures.ts";
import { summaryRecord } from "../../support/view-records.ts";

const offer = {
  spec: {} as never,
  hypervisorVersion: "1",
  accelerator: "none",
  machineType: "sim",
  storageNonce: null,
} as const;

/** Two busy guests here, an idle host there. */
function crowded(): NodeDriver {
  const driver = settledDriver({ own: ["web", "db"], cpuCores: 1.5 });
  driver.hear("QmOther", { name: "other", projectedCpuCores: 0 });
  return driver;
}

function proposed(driver: NodeDriver) {
  const [first] = driver.sends("propose", driver.all).slice(-1);
  if (!first) throw new Error("nothing was proposed");
  return first;
}

function migrating(driver: NodeDriver): string {
  driver.ask({ verb: "migrate", vm: "web", target: "QmOther" });
  driver.end("offer", offer);
  return proposed(driver).message.moveId;
}

/** A balancer of a hot host that has nothing to move, beside one that is idle. */
function idle({ vms = [] }: { vms?: readonly VmFigures[] } = {}) {
  const own = hostFigures("self", { cpuCores: 8 });
  const other = hostFigures("other");
  const surroundings = {
    own: () => own,
    others: () => [other],
    measured: () => [other],
    ownVms: () => vms,
    mean: () => ({ cpu: 0.4, memory: 0, network: 0 }),
    least: () => undefined,
    brokenRules: () => false,
    scale: () => scaleOf([own, other]),
    extremes: () => extremesOf([other]),
    renew: () => {},
  };
  const parts = {
    self: { options: { settings: defaultCoreSettings }, hostLoad: null },
    history: new MoveHistory(),
    prng: new Prng(1),
    planning: defaultPlanningParams,
    surroundings,
    shifts: { hasMembers: false, isOpen: false, begin: () => false, review: () => {} },
    cluster: {
      hot: { count: 0 },
      membership: { aliveCount: 1 },
      view: { hosts: () => [], inventoryOf: () => undefined },
    },
    guests: { size: 1, get: () => undefined },
    ledger: { freeSlotsOut: 1 },
    heldBack: () => null,
    noMoveFits: () => {},
  };
  const balancer = new Balancer(parts as unknown as BalancerOptions, 0);
  for (let nowMs = 0; nowMs < 5; nowMs++) balancer.loadSampled(nowMs);
  const looks = (count: number) =>
    Array.from({ length: count }, () => {
      const dueMs = balancer.nextTimeoutMs() ?? Number.NaN;
      balancer.timeout(dueMs);
      return (balancer.nextTimeoutMs() ?? Number.NaN) - dueMs;
    });
  return { balancer, looks };
}

describe("Balancer", () => {
  it("proposes nothing by itself on hold, and says what it would do", () => {
    const driver = crowded();
    driver.sample(20, { web: 1.5, db: 1.5 });
    expect(driver.runs(driver.all)).toEqual([]);
    const { plan } = driver.node.snapshot(driver.nowMs);
    expect(plan.moves[0]).toMatchObject({ to: "QmOther", reason: "imbalance" });
    expect(plan.reason).toContain("on hold");
  });

  it("proposes its best move when it may act: an offer first, then straight to the host", () => {
    const driver = crowded();
    driver.gossip("QmOther", { documents: [actDocument] });
    driver.sample(2, { web: 1.5, db: 1.5 });
    expect(driver.runs(driver.all)).toMatchObject([{ op: "offer" }]);
    expect(driver.sends("propose", driver.all)).toEqual([]);
    driver.end("offer", offer);
    const { to, message } = proposed(driver);
    expect(to).toBe("QmOther");
    expect(message).toMatchObject({ version: 7, reason: "imbalance", load: { cpuCores: 1.5 } });
    expect(message.moveId).toMatch(/^(web|db)\.8\.[0-9a-f]{16}$/);
    expect(message.source.projectedCpuCores).toBeCloseTo(3);
  });

  it("answers in words when a VM of an exchange is gone meanwhile", () => {
    const { balancer } = idle();
    expect(balancer.proposeSwap("web", "QmOther", 0)).toBe("web is no longer here");
  });

  it("looks less and less often while it finds nothing, and soon again after a departure", () => {
    const { balancer, looks } = idle();
    const gaps = looks(8).map((gapMs) => Math.round(gapMs / 1000));
    expect(gaps.slice(0, 3)).toEqual([2, 4, 8]);
    expect(Math.max(...gaps)).toBe(8);
    const lastMs = (balancer.nextTimeoutMs() ?? 0) - 5_000;
    balancer.departed(lastMs);
    expect(balancer.nextTimeoutMs()).toBeGreaterThanOrEqual(lastMs);
    expect(balancer.nextTimeoutMs()).toBeLessThanOrEqual(lastMs + 100);
    expect(Math.round((looks(1)[0] ?? 0) / 1000)).toBe(2);
  });

  it("looks as often as ever while better moves may come", () => {
    const { looks } = idle({ vms: [vmFigures("web", { immovable: "it is starting" })] });
    for (const gapMs of looks(5)) expect(gapMs).toBeLessThanOrEqual(1_200);
  });

  it("levels nothing by the first samples of an agent that has just started", () => {
    const driver = new NodeDriver();
    const own = ["web", "db"];
    const lines = own.map((vm) => ownLine(vm));
    driver.start({ journal: lines, copies: copies({ web: "running", db: "running" }) });
    driver.hear("QmOther", { name: "other", projectedCpuCores: 0 });
    driver.gossip("QmOther", { documents: [actDocument] });
    driver.sample(2, { web: 1.5, db: 1.5 });
    expect(driver.node.snapshot(driver.nowMs).plan.reason).toContain("not measured yet");
    expect(driver.runs(driver.all)).toEqual([]);
    driver.sample(1, { web: 1.5, db: 1.5 });
    driver.wait(1_500);
    expect(driver.runs(driver.all)).toMatchObject([{ op: "offer" }]);
  });

  it("is kept from levelling for ten seconds at most by a guest that cannot be measured", () => {
    const driver = new NodeDriver();
    const lines = ["web", "db", "mute"].map((vm) => ownLine(vm));
    const running = copies({ web: "running", db: "running", mute: "running" });
    driver.start({ journal: lines, copies: running });
    driver.hear("QmOther", { name: "other", projectedCpuCores: 0 });
    driver.gossip("QmOther", { documents: [actDocument] });
    driver.sample(9, { web: 1.5, db: 1.5 });
    expect(driver.runs(driver.all)).toEqual([]);
    driver.sample(4, { web: 1.5, db: 1.5 });
    expect(driver.runs(driver.all)).toMatchObject([{ op: "offer" }]);
  });

  it("drains on hold as well: that is an operator's word", () => {
    const driver = settledDriver({ own: ["web"] });
    expect(driver.ask({ verb: "drain", host: driver.self })).toMatchObject({ status: 202 });
    expect(driver.kept("meta/draining")).toBe(true);
    driver.sample(3, { web: 0.5 });
    expect(driver.runs(driver.all)).toMatchObject([{ op: "offer", spec: { name: "web" } }]);
    driver.end("offer", offer);
    expect(proposed(driver).message.reason).toBe("drain");
  });

  it("begins on the grant: durable, then told", () => {
    const driver = settledDriver({ own: ["web"] });
    const moveId = migrating(driver);
    const asked = driver.lastRequest;
    const effects = driver.receive("QmOther", { type: "grant", moveId });
    expect(effects[0]).toMatchObject({ type: "persist", entries: [{ key: `move/${moveId}` }] });
    expect(driver.sends("begin")).toMatchObject([{ to: "QmOther" }]);
    expect(driver.replyTo(asked)).toMatchObject({ status: 202, moveId });
  });

  it("takes the next best when it is refused, and no one twice in a row", () => {
    const driver = crowded();
    driver.hear("QmThird", { name: "third", projectedCpuCores: 0 });
    driver.gossip("QmOther", { documents: [actDocument] });
    driver.sample(2, { web: 1.5, db: 1.5 });
    driver.end("offer", offer);
    const first = proposed(driver);
    const summary = summaryRecord(first.to, 1).body;
    const { moveId } = first.message;
    driver.receive(first.to, { type: "refuse", moveId, reason: "took db instead", summary });
    expect(driver.runs()).toMatchObject([{ op: "offer" }]);
    driver.end("offer", offer);
    expect(proposed(driver).to).not.toBe(first.to);
    const vm = first.message.moveId.split(".")[0] ?? "";
    const answer = driver.ask({ verb: "explain", vm });
    expect(answer?.data).toContain("refused 0 s ago: took db instead");
  });

  it("does not ask a host again that cannot take the VM, except at an operator's word", () => {
    const driver = settledDriver({ own: ["web"], cpuCores: 1.9 });
    driver.hear("QmOther", { name: "other", projectedCpuCores: 0 });
    const moveId = migrating(driver);
    const summary = summaryRecord("QmOther", 1).body;
    const reason = "this host has no bridge br0";
    driver.receive("QmOther", { type: "refuse", moveId, reason, summary, lasting: true });
    driver.sample(2, { web: 1.9 });
    const answer = driver.ask({ verb: "explain", vm: "web" });
    expect(answer?.data).toContain(`s ago: ${reason}`);
    const { candidates } = JSON.parse(answer?.data ?? "");
    expect(candidates[0].refusal).toMatch(/^other refused/);
    expect(migrating(driver)).not.toBe(moveId);
  });

  it("tells the operator that the target refused, and why", () => {
    const driver = settledDriver({ own: ["web"] });
    const moveId = migrating(driver);
    const summary = summaryRecord("QmOther", 1).body;
    driver.receive("QmThird", { type: "refuse", moveId, reason: "meddling", summary });
    expect(driver.replyTo(driver.lastRequest)).toBeUndefined();
    driver.receive("QmOther", { type: "refuse", moveId, reason: "no room", summary });
    expect(driver.replyTo(driver.lastRequest)).toMatchObject({
      status: 409,
      message: "other refused: no room",
    });
  });

  it("gives up on a target that does not answer, and tells a late grant so", () => {
    const driver = settledDriver({ own: ["web"] });
    const moveId = migrating(driver);
    driver.wait(5_000);
    expect(driver.replyTo(driver.lastRequest)).toMatchObject({ status: 504 });
    driver.receive("QmOther", { type: "grant", moveId });
    expect(driver.sends("begin", driver.all)).toEqual([]);
    expect(driver.sends("abort")).toMatchObject([{ to: "QmOther", message: { moveId } }]);
  });

  it.each([
    {
      name: "the VM is being stopped",
      change: (driver: NodeDriver) => driver.ask({ verb: "stop", vm: "web", force: true }),
      words: "it is stopping",
    },
    {
      name: "the VM has no copy any more",
      change: (driver: NodeDriver) => driver.list({}),
      words: "only running VMs move",
    },
    {
      name: "the VM was pinned here",
      change: (driver: NodeDriver) =>
        driver.ask({ verb: "set", vm: "web", change: { pin: "self" } }),
      words: "its rules changed meanwhile",
    },
  ])("withdraws when $name by the time of the grant", ({ change, words }) => {
    const driver = settledDriver({ own: ["web"] });
    const moveId = migrating(driver);
    const asked = driver.lastRequest;
    change(driver);
    driver.receive("QmOther", { type: "grant", moveId });
    expect(driver.sends("begin")).toEqual([]);
    expect(driver.sends("abort")[0]?.message.reason).toContain(words);
    expect(driver.replyTo(asked)).toMatchObject({ status: 409 });
  });

  it("withdraws a grant from another host than it asked", () => {
    const driver = settledDriver({ own: ["web"] });
    const moveId = migrating(driver);
    driver.receive("QmThird", { type: "grant", moveId });
    expect(driver.sends("abort")).toMatchObject([{ to: "QmThird" }]);
    driver.receive("QmOther", { type: "grant", moveId });
    expect(driver.sends("begin")).toMatchObject([{ to: "QmOther" }]);
  });

  it("sends one VM at a time", () => {
    const driver = settledDriver({ own: ["web", "db"] });
    driver.receive("QmOther", { type: "grant", moveId: migrating(driver) });
    const answer = driver.ask({ verb: "migrate", vm: "db", target: "QmOther" });
    expect(answer).toMatchObject({ status: 409 });
    expect(answer?.message).toContain("sending another VM");
  });

  it("tells the operator that the offer failed", () => {
    const driver = settledDriver({ own: ["web"] });
    driver.ask({ verb: "migrate", vm: "web", target: "QmOther" });
    driver.fail("offer");
    expect(driver.replyTo(driver.lastRequest)).toMatchObject({
      status: 409,
      message: "offer failed",
    });
  });
});
