/** Exchanges, with real cores: memory 95 % full, no single move fits, and what dies on the way. */
import { describe, expect, it } from "vitest";
import { Prng } from "#lib/base/prng.ts";
import { populationSd } from "#lib/base/stats.ts";
import type { Notice } from "#lib/core/effects.ts";
import { Node } from "#lib/core/node.ts";
import type { HostId, VmName } from "#lib/model/ids.ts";
import { CheckedWorld } from "#lib/simulation/checked-world.ts";
import { simVmSpec } from "#lib/simulation/sim-cluster.ts";
import { ConstantWorkload, NoisyWorkload } from "#lib/simulation/workload.ts";

const GIB = 2 ** 30;
const timeout = 240_000;
const seeds = [1, 2, 3];
const size = { cpuCapacityCores: 16, memoryCapacityBytes: 64 * GIB, reservedMemoryBytes: 2 * GIB };

class TightWorld {
  readonly world: CheckedWorld;
  readonly #coresOf = new Map<VmName, number>();
  exchanges = 0;
  /** Moves by reason. */
  readonly moves: Record<string, number> = {};

  constructor(seed: number, hosts: number) {
    const load = new ConstantWorkload({ cpuCores: 0, byVm: this.#coresOf });
    this.world = new CheckedWorld({
      seed,
      scenario: "exchange",
      hosts: Array.from({ length: hosts }, () => size),
      workload: new NoisyWorkload(load, 0.1, new Prng(`load.${seed}`)),
      bandwidthBytesPerSecond: 1_250_000_000,
      makeNode: (options) => new Node(options),
    });
    this.world.presetMode("act");
    this.world.onFact((fact) => {
      if (fact.type !== "stepped") return;
      for (const effect of fact.effects) if (effect.type === "notice") this.#note(effect.notice);
    });
  }

  #note({ code, message, facts }: Notice): void {
    if (code === "exchange-over" && message.includes("have changed")) this.exchanges += 1;
    if (code !== "move-ended" || facts["result"] !== "moved") return;
    const reason = String(facts["reason"]);
    // Both ends tell of a move.
    this.moves[reason] = (this.moves[reason] ?? 0) + 0.5;
  }

  place(host: number, name: VmName, gib: number, cpuCores: number): void {
    this.#coresOf.set(name, cpuCores);
    const spec = simVmSpec(name, Math.round(gib * GIB));
    this.world.placeVm(this.world.hosts[host] as HostId, spec);
  }

  /** Alike VMs, so many that the host's memory is as full as that. */
  fill(host: number, gib: number, cpuCores: number, memoryShare: number): void {
    const count = Math.floor((memoryShare * 64 - 2) / gib);
    for (let i = 0; i < count; i += 1) this.place(host, `v${host}-${i}`, gib, cpuCores);
  }

  cpuSd(): number {
    const shares = this.world.machines.map(({ host }) => {
      const running = host.copies().filter((copy) => copy.sinceMs !== null);
      const cores = running.map(({ spec }) => this.#coresOf.get(spec.name) ?? 0);
      return cores.reduce((sum, one) => sum + one, 0) / 16;
    });
    return populationSd(shares);
  }
}

describe("memory 95 % full", { timeout }, () => {
  it.each(seeds)("is levelled through a third host with little room (seed %i)", (seed) => {
    const tight = new TightWorld(seed, 3);
    tight.fill(0, 5.8, 1.4, 0.95);
    tight.fill(1, 5.8, 0.2, 0.95);
    tight.fill(2, 5.8, 0.8, 0.86);
    const before = tight.cpuSd();
    tight.world.startAll();
    tight.world.runFor(600_000);
    expect(tight.cpuSd()).toBeLessThan(before / 2);
    expect(tight.moves["swap"]).toBeGreaterThan(0);
    // Then it is level, and stays as it is.
    tight.world.runFor(600_000);
    const moves = { ...tight.moves };
    tight.world.runFor(600_000);
    expect(tight.moves).toEqual(moves);
    tight.world.settle(60_000);
  });

  it.each(seeds)("is levelled in the reserve that moves leave free (seed %i)", (seed) => {
    const tight = new TightWorld(seed, 2);
    tight.fill(0, 2.2, 0.5, 0.95);
    tight.fill(1, 2.2, 0.1, 0.95);
    const before = tight.cpuSd();
    tight.world.startAll();
    tight.world.runFor(600_000);
    expect(tight.cpuSd()).toBeLessThan(before / 2);
    expect(tight.moves["swap"]).toBe(2 * tight.exchanges);
    tight.world.settle(60_000);
  });

  it("stays as it is where there is no room anywhere", () => {
    const tight = new TightWorld(1, 3);
    tight.fill(0, 5.8, 1.4, 0.95);
    tight.fill(1, 5.8, 0.2, 0.95);
    tight.fill(2, 5.8, 0.8, 0.95);
    tight.world.startAll();
    tight.world.runFor(120_000);
    expect(tight.moves).toEqual({});
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 8])("survives what dies on the way (seed %i)", (seed) => {
    const prng = new Prng(`dies.${seed}`);
    const tight = new TightWorld(seed, 4);
    const { world } = tight;
    tight.fill(0, 5.8, 1.4, 0.95);
    tight.fill(1, 5.8, 0.2, 0.95);
    tight.fill(2, 5.8, 0.8, 0.86);
    tight.fill(3, 5.8, 0.6, 0.9);
    const before = tight.cpuSd();
    world.startAll();
    for (let second = 8; second < 120; second += 4 + prng.nextInt(8)) {
      world.clock.after(second * 1000, () => {
        const host = prng.pick(world.hosts) ?? "";
        const other = prng.pick(world.hosts) ?? "";
        const strikes = [
          () => world.killAgent(host),
          () => world.crashHost(host),
          () => world.pauseAgent(host),
          () => world.links.cut(host, other),
        ];
        prng.pick(strikes)?.();
        world.clock.after(prng.nextInt(10_000), () => world.healAll());
      });
    }
    world.guarded(() => world.runFor(600_000));
    world.settle(90_000);
    expect(tight.exchanges).toBeGreaterThan(0);
    expect(tight.cpuSd()).toBeLessThan(before / 2);
  });
});
