import { describe, expect, it } from "vitest";
import { paletteOf } from "#agent/cli/palette.ts";
import { LoadHistory } from "#agent/cli/simulate/load-history.ts";
import { reportLines } from "#agent/cli/simulate/report.ts";
import { exitCodeOfRun } from "#agent/cli/simulate/simulate.ts";
import type { SimulateResult } from "#agent/cli/simulate/simulate-result.ts";
import { fakeIo } from "../../../support/run-cli.ts";
import { lopsidedCluster } from "../../../support/small-cluster.ts";

const spread = { cpuSd: 0.25, cpuMax: 1.5, memSd: 0.125, memMax: 0.5 };

function resultOf(changes: Partial<SimulateResult>): SimulateResult {
  return {
    hosts: 2,
    vms: 1,
    moves: 1,
    movedBytes: 2 ** 30,
    secondsTo95: null,
    before: spread,
    after: { ...spread, cpuSd: 0.0625 },
    placement: {},
    refusals: 1,
    moveLog: [],
    messagesPerHostPerSecond: 4.25,
    bytesPerHostPerSecond: 2_048,
    violations: 0,
    seconds: 90,
    seed: 9,
    contentionVmSeconds: 0,
    central: null,
    faults: [],
    vmsDown: 0,
    violationLog: [],
    cpuSeconds: 1,
    peakRssBytes: 1,
    ...changes,
  };
}

function linesOf(changes: Partial<SimulateResult>): string {
  const model = lopsidedCluster(2, 1);
  const scenario = { title: "mine.json", model, workload: null, seconds: 90, speed: 1 };
  const context = { io: fakeIo().io, palette: paletteOf(false) };
  const result = resultOf(changes);
  return reportLines({ scenario, result, history: new LoadHistory(90), context }).join("\n");
}

describe("reportLines()", () => {
  it("puts violations before everything that is pleasant, the first in words", () => {
    const violationLog = Array.from({ length: 12 }, (_, index) => `two-running: vm-${index}`);
    const text = linesOf({ violations: 120, violationLog });
    expect(text).toContain("120 violations");
    expect(text).not.toContain("nothing went wrong");
    expect(text).toContain("What must never be, and was\ntwo-running: vm-0\n");
    expect(text).toContain("two-running: vm-9\nand 110 more (--json shows the first 100)");
  });

  it("names the part of the hosts that the central greedy planned for", () => {
    const central = { moves: 7, after: spread, hosts: 1 };
    expect(linesOf({ central })).toMatch(/^central greedy, 1 of the hosts +0\.250 +150 %.* 7$/m);
    expect(linesOf({ central: { ...central, hosts: 2 } })).toMatch(/^central greedy +0\.250/m);
  });

  it("shows the first dozen of the moves and counts the rest", () => {
    const move = { vm: "a", from: "h1", to: "h2", gain: 0.5, cost: 0.001, reason: "hot" } as const;
    const moveLog = Array.from({ length: 14 }, (_, index) => ({ ...move, second: index }));
    const text = linesOf({ moveLog });
    expect(text.match(/^ +\d+\.0 {2}a {3}h1/gm)).toHaveLength(12);
    expect(text).toContain("and 2 more (--json shows all)");
  });

  it("tells of contention, and of VMs that a lost disk took along", () => {
    expect(linesOf({ contentionVmSeconds: 12.4 })).toContain("12 VM-seconds on hosts asked for");
    const faults = [{ second: 1, kind: "disk", hosts: ["h1"] }] as const;
    expect(linesOf({ faults, vmsDown: 1 })).toContain("1 fault (1 disk); 1 VM lost with a disk");
    expect(linesOf({})).not.toMatch(/contention|VM-seconds|fault/);
  });
});

describe("exitCodeOfRun()", () => {
  it("is 1 as soon as one thing was seen that must never be", () => {
    expect([0, 1, 99].map((violations) => exitCodeOfRun({ violations }))).toEqual([0, 1, 1]);
  });
});
