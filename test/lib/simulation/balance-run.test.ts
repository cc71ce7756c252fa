import { describe, expect, it } from "vitest";
import { type BalanceProgress, runBalance } from "#lib/simulation/balance-run.ts";
import { spreadOf } from "#lib/simulation/cluster-model.ts";
import { syntheticCluster } from "#lib/simulation/synthetic-cluster.ts";
import type { Workload } from "#lib/simulation/workload.ts";
import { lopsidedCluster } from "../../support/small-cluster.ts";

describe("runBalance()", () => {
  const model = lopsidedCluster(4, 8);

  it("levels a lopsided cluster, and says what it took", () => {
    const result = runBalance({ model, seconds: 120, seed: 1 });
    expect(result).toMatchObject({ hosts: 4, vms: 8, violations: 0, vmsDown: 0, seconds: 120 });
    expect(result.before).toEqual(spreadOf(model));
    expect(result.before.cpuMax).toBe(1);
    expect(result.after.cpuMax).toBeLessThanOrEqual(0.375);
    expect(result.after.cpuSd).toBeLessThan(result.before.cpuSd / 4);
    expect(result.moves).toBe(result.moveLog.length);
    expect(result.movedBytes).toBe(result.moves * 2 ** 30);
    expect(result.secondsTo95).toBeGreaterThan(0);
    expect(result.central).toMatchObject({ moves: 6, hosts: 4 });
    expect(result.messagesPerHostPerSecond).toBeGreaterThan(1);
    expect(result.bytesPerHostPerSecond).toBeGreaterThan(100);
  });

  it("ends where its moves lead, and measures that", () => {
    const result = runBalance({ model, seconds: 60, seed: 2 });
    const placement = new Map(model.vms.map((vm) => [vm.name, vm.host]));
    for (const { vm, from, to } of result.moveLog) {
      expect(placement.get(vm)).toBe(from);
      placement.set(vm, to);
    }
    expect(new Map(Object.entries(result.placement))).toEqual(placement);
    const { cpuSd, memSd } = spreadOf(model, placement);
    expect(result.after.cpuSd).toBeCloseTo(cpuSd, 12);
    expect(result.after.memSd).toBeCloseTo(memSd, 12);
    const seconds = result.moveLog.map(({ second }) => second);
    expect(seconds).toEqual(seconds.toSorted((a, b) => a - b));
    expect(["hot", "imbalance"]).toContain(result.moveLog[0]?.reason);
    expect(result.moveLog[0]?.gain).toBeGreaterThan(result.moveLog[0]?.cost ?? 1);
  });

  it("comes to the same with the same seed, and to something else with another", () => {
    const uneven = syntheticCluster({ hosts: 8, vmsPerHost: 6, seed: 3 });
    const options = { model: uneven, seconds: 60, noiseShare: 0.1, lossShare: 0.05 };
    const [first, again, other] = [7, 7, 8].map((seed) => runBalance({ ...options, seed }));
    expect(JSON.stringify(again)).toBe(JSON.stringify(first));
    expect(JSON.stringify(other)).not.toBe(JSON.stringify(first));
  });

  it.each([0, 1, 3])("grants no more than %i moves when told so", (maxMoves) => {
    const result = runBalance({ model, seconds: 120, seed: 1, maxMoves });
    expect(result.moves).toBe(maxMoves);
    // The sources know how many are left, and ask for no more.
    expect(result.refusals).toBe(0);
    expect(result.secondsTo95).toBeNull();
  });

  it("takes hosts that are fuller than any grant allows as they are", () => {
    const full = lopsidedCluster(3, 8, { memoryBytes: 3.875 * 2 ** 30 });
    const result = runBalance({ model: full, seconds: 60, seed: 1 });
    expect(result.before.memMax).toBe(1);
    expect(result.after.memMax).toBeLessThan(0.9);
    expect(result.violations).toBe(0);
  });

  it("knows VMs by names that no agent would take", () => {
    const named = lopsidedCluster(3, 3);
    const names = ["Web Server.01", "vm-1", "Ümläut"];
    const vms = named.vms.map((vm, index) => ({ ...vm, name: names[index] ?? "" }));
    const result = runBalance({ model: { ...named, vms }, seconds: 60, seed: 1 });
    expect(Object.keys(result.placement).sort()).toEqual(names.sort());
    expect(result.moves).toBeGreaterThan(0);
    expect(names).toContain(result.moveLog[0]?.vm);
  });

  it("tells each second how it stands", () => {
    const seen: BalanceProgress[] = [];
    const progress = (one: BalanceProgress) =>
      void seen.push({ ...one, cpuShares: [...one.cpuShares] });
    const result = runBalance({ model, seconds: 30, seed: 1, progress });
    expect(seen.map(({ second }) => second)).toEqual(Array.from({ length: 30 }, (_, i) => i + 1));
    expect(seen[0]).toMatchObject({ moves: 0, cpuShares: [1, 0, 0, 0] });
    expect(seen.at(-1)?.moves).toBe(result.moves);
  });

  it("follows loads that change, and counts the VMs that get too little", () => {
    // Nothing for 20 s, then more than the host has.
    const workload: Workload = {
      stepMs: 10_000,
      loadOf: (spec, nowMs) => ({
        cpuCores: nowMs < 20_000 ? 0.1 : 2,
        residentBytes: spec.memoryBytes,
        dirtyBytesPerSecond: 0,
        networkBytesPerSecond: null,
      }),
    };
    const result = runBalance({ model, seconds: 25, seed: 1, workload, maxMoves: 0 });
    expect(result.before.cpuMax).toBeCloseTo(0.1, 9);
    expect(result.after.cpuMax).toBe(2);
    expect(result.contentionVmSeconds).toBe(6 * 8);
    expect(result).toMatchObject({ secondsTo95: null, central: null });
  });

  it("leaves out what a fault has ended for good", () => {
    const even = syntheticCluster({ hosts: 4, vmsPerHost: 2, seed: 1 });
    const result = runBalance({ model: even, seconds: 60, seed: 1, faults: ["disk"], maxMoves: 0 });
    expect(result.violations).toBe(0);
    const [lost, ...more] = result.faults.map(({ hosts }) => hosts[0]);
    expect(more.length).toBeLessThan(3);
    expect(result.vmsDown).toBeGreaterThan(0);
    expect(Object.values(result.placement)).not.toContain(lost);
    expect(Object.keys(result.placement)).toHaveLength(8 - result.vmsDown);
  });
});
