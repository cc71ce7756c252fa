import { describe, expect, it } from "vitest";
import { compare, greedyText, movesAndSds, share } from "../../../scripts/plans/judged-run.ts";
import { rowOf } from "../../../scripts/plans/other-clusters.ts";
import { modelHost, modelVm } from "../../support/cluster-models.ts";

const model = {
  hosts: ["a", "b", "c"].map((name) => modelHost(name, { cpuCapacityCores: 8 })),
  vms: ["x", "y", "z"].map((name) => modelVm(name, "a", { cpuCores: 2 })),
};

describe("compare()", () => {
  const comparison = compare(model, 1, { seconds: 60 });

  it("puts the agents' plan beside the greedy's", () => {
    expect(comparison.greedyMoves).toBe(2);
    expect(comparison.moves).toBe(2);
    expect(comparison.spread.cpuSd).toBeCloseTo(0);
    expect(comparison.run.violations).toBe(0);
  });

  it("is judged by moves and by both standard deviations", () => {
    expect(rowOf("even", comparison).verdict).toBe("met");
    expect(rowOf("more moves", { ...comparison, moves: 3 }).verdict).toBe("missed");
    const uneven = { ...comparison, spread: { ...comparison.spread, memSd: 0.1 } };
    expect(rowOf("memory", uneven).verdict).toBe("missed");
  });

  it("tells what the greedy reaches in as many moves, where these differ", () => {
    const same = { cpuSd: 0.01, cpuMax: 1, memSd: 0.02, memMax: 1 };
    expect(greedyText(comparison)).not.toContain("in");
    expect(greedyText({ ...comparison, moves: 3, greedyAtSameMoves: same })).toContain(
      "(in 3: .010/.020)",
    );
  });
});

describe("movesAndSds()", () => {
  it("is short enough for a table", () => {
    expect(movesAndSds(36, { cpuSd: 0.0212, cpuMax: 1, memSd: 0.0238, memMax: 1 })).toBe(
      "36 .021/.024",
    );
    expect(share(1.5)).toBe("1.500");
  });
});
