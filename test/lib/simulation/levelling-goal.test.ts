import { describe, expect, it } from "vitest";
import { spreadOf } from "#lib/simulation/cluster-model.ts";
import { LevellingGoal } from "#lib/simulation/levelling-goal.ts";
import { centralGreedy } from "#lib/simulation/reference/central-greedy.ts";
import { syntheticCluster } from "#lib/simulation/synthetic-cluster.ts";
import { lopsidedCluster } from "../../support/small-cluster.ts";

describe("LevellingGoal", () => {
  it("is reached at 95 % of what the central greedy improves the sum of both spreads by", () => {
    const model = lopsidedCluster(4, 8);
    const goal = new LevellingGoal(model);
    const { before, after, moves } = centralGreedy(model);
    expect(goal.central).toEqual({ moves: moves.length, after, hosts: 4 });
    const improvement = before.cpuSd + before.memSd - after.cpuSd - after.memSd;
    const at = (share: number) => {
      return { ...before, cpuSd: before.cpuSd + before.memSd - share * improvement, memSd: 0 };
    };
    expect(goal.isReached(at(0.94))).toBe(false);
    expect(goal.isReached(at(0.951))).toBe(true);
  });

  it("is reached from the start where nothing can be improved", () => {
    const model = lopsidedCluster(1, 3);
    expect(new LevellingGoal(model).isReached(spreadOf(model))).toBe(true);
  });

  it("looks at a part of a cluster that is too large for the greedy", () => {
    const model = syntheticCluster({ hosts: 4_001, vmsPerHost: 1, seed: 1 });
    expect(new LevellingGoal(model).central.hosts).toBe(2_001);
  });
});
