/** Worlds with a broken core in them: the bug shows, and the failure replays it. */
import { describe, expect, it } from "vitest";
import { Prng } from "#lib/base/prng.ts";
import type { Effect } from "#lib/core/effects.ts";
import type { Event } from "#lib/core/events.ts";
import { Node } from "#lib/core/node.ts";
import type { NodeOptions } from "#lib/core/node-options.ts";
import type { CheckedWorld } from "#lib/simulation/checked-world.ts";
import { disagreement } from "#lib/simulation/checkers/convergence.ts";
import { readCellScenario, runMoveCell } from "#lib/simulation/move-cell.ts";
import { addVm, joinedWorld, mustDo, simVmSpec, smallHost } from "#lib/simulation/sim-cluster.ts";
import type { SimNode } from "#lib/simulation/sim-node.ts";
import { SimulationFailure } from "#lib/simulation/simulation-failure.ts";
import { ConstantWorkload, NoisyWorkload } from "#lib/simulation/workload.ts";

type Twist = (event: Event, effects: readonly Effect[]) => readonly Effect[];

/** The real core, with its effects twisted on the way out. */
class TwistedNode implements SimNode {
  readonly #node: Node;
  readonly #twist: Twist;

  constructor(options: NodeOptions, twist: Twist) {
    this.#node = new Node(options);
    this.#twist = twist;
  }

  step(event: Event, nowMs: number): readonly Effect[] {
    return this.#twist(event, this.#node.step(event, nowMs));
  }

  get nextTimeoutMs(): number | undefined {
    return this.#node.nextTimeoutMs;
  }

  snapshot(nowMs: number) {
    return this.#node.snapshot(nowMs);
  }
}

function failureOf(twist: Twist, fault: string): string {
  const cell = readCellScenario(fault);
  if (!cell) return `no such cell: ${fault}`;
  const makeNode = (options: NodeOptions) => new TwistedNode(options, twist);
  for (let seed = 1; seed <= 20; seed += 1) {
    try {
      runMoveCell({ ...cell, seed, makeNode });
    } catch (error) {
      if (error instanceof SimulationFailure) return error.message;
      throw error;
    }
  }
  return "no failure";
}

const untwisted: Twist = (_event, effects) => effects;

describe("a broken core", () => {
  it("that runs a copy once it is held is caught with two running", () => {
    const failure = failureOf((_event, effects) => {
      const held = effects.find((e) => e.type === "send" && e.message.type === "held");
      if (held?.type !== "send" || held.message.type !== "held") return effects;
      const { moveId } = held.message;
      const op = { op: "runIncoming", moveId, vm: "web" } as const;
      return [...effects, { type: "run", opId: 1_000_000, op }];
    }, "held x source agent killed");
    expect(failure).toMatch(/^(two-running|guest-continuity): web/);
    expect(failure).toMatch(/replay: npm run -s sim -- --seed \d+ --scenario "held x source agent/);
  });

  it("that forgets to persist its commit is caught", () => {
    const failure = failureOf((_event, effects) => {
      return effects.filter(
        (e) =>
          e.type !== "persist" || !e.entries.some((entry) => /committed/.test(entry.value ?? "")),
      );
    }, "running x both agents killed");
    expect(failure).toMatch(/^(two-running|guest-continuity|never-lost|one-owner|convergence): /);
  });

  it("that discards before the target runs is caught throwing the VM away", () => {
    const failure = failureOf((event, effects) => {
      if (event.type !== "transferProgressed") return effects;
      const op = { op: "discard", moveId: event.progress.moveId, vm: "web" } as const;
      return [{ type: "run", opId: 1_000_000, op }, ...effects];
    }, "receiving x source agent paused");
    expect(failure).toMatch(/^never-lost: .* threw away the last copy of web/);
  });

  it("whose target never tells what its journal says is caught", () => {
    const failure = failureOf(
      (_event, effects) =>
        effects.filter((e) => e.type !== "send" || !/Answer|held/.test(e.message.type)),
      "committed x link cut",
    );
    expect(failure).toMatch(/^(scenario|convergence|frozen-bound|never-lost): /);
  });

  it("is not seen where there is none", () => {
    expect(failureOf(untwisted, "held x link cut")).toBe("no failure");
  });
});

describe("CheckedWorld", () => {
  function smallWorld(): CheckedWorld {
    return joinedWorld({
      seed: 3,
      scenario: "small",
      makeNode: (options) => new Node(options),
      hosts: [smallHost, smallHost, smallHost],
      workload: new NoisyWorkload(new ConstantWorkload({ cpuCores: 0.1 }), 0.1, new Prng(3)),
    });
  }

  it("settle() brings back what was killed, paused and cut", () => {
    const world = smallWorld();
    const [a, b, c] = world.hosts as [string, string, string];
    addVm(world, a, simVmSpec("web"));
    world.killAgent(a);
    world.pauseAgent(b);
    world.links.cut(a, c);
    world.runFor(20_000);
    expect(disagreement(world)).toMatch(/.+/);
    world.settle(30_000);
    expect(disagreement(world)).toBeUndefined();
    expect(world.machine(a).host.copy("web")?.state).toBe("running");
  });

  it("a host that lost power starts its guests anew; without its disk it forgets them", () => {
    const world = smallWorld();
    const [a, b] = world.hosts as [string, string];
    addVm(world, a, simVmSpec("web"));
    addVm(world, b, simVmSpec("db"));
    world.crashHost(a);
    world.crashHost(b, true);
    world.runFor(5_000);
    world.settle(60_000);
    expect(world.machine(a).host.copy("web")?.state).toBe("running");
    expect(world.machine(b).host.copy("db")).toBeUndefined();
  });

  it("names the seed in every failure, also of a verb", () => {
    const world = smallWorld();
    const [a] = world.hosts as [string];
    expect(() => mustDo(world, a, { verb: "start", vm: "nobody" })).toThrow(
      /^verb: start was answered 404 .* replay: npm run -s sim -- --seed 3 --scenario small$/,
    );
  });
});
