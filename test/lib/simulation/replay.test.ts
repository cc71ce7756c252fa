/** The promise that every other test of the simulator rests on. */
import { describe, expect, it } from "vitest";
import { hashText, Prng } from "#lib/base/prng.ts";
import { Node } from "#lib/core/node.ts";
import { roughNetwork } from "#lib/simulation/network-options.ts";
import { simVmSpec, smallHost } from "#lib/simulation/sim-cluster.ts";
import type { SimFact } from "#lib/simulation/sim-fact.ts";
import { SimWorld } from "#lib/simulation/sim-world.ts";
import { ConstantWorkload, NoisyWorkload } from "#lib/simulation/workload.ts";

/** A hash of every message, durable line and change of a copy of a short run with loads, moves and a crash. */
function traceOf(hosts: number, seed: number): { hash: number; steps: number } {
  const workload = new ConstantWorkload({ cpuCores: 0.05 });
  const world = new SimWorld({
    seed,
    makeNode: (options) => new Node(options),
    hosts: Array.from({ length: hosts }, () => smallHost),
    workload: new NoisyWorkload(workload, 0.1, new Prng(seed)),
    network: roughNetwork,
  });
  for (const [index, host] of world.hosts.entries()) {
    for (let vm = 0; vm < 8 - (index % 8); vm += 1)
      world.placeVm(host, simVmSpec(`vm-${index}-${vm}`));
  }
  world.presetMode("act");
  let hash = 0;
  let steps = 0;
  const observe = (fact: SimFact, nowMs: number) => {
    hash = hashText(`${hash} ${nowMs} ${JSON.stringify(fact)}`);
    steps += 1;
  };
  world.onFact(observe, ["sent", "persisted", "copyChanged"]);
  world.startAll();
  world.runFor(1_500);
  world.crashHost(world.hosts[3] as string);
  world.runFor(1_000);
  return { hash, steps };
}

describe("SimWorld", () => {
  it.each([6, 33])(
    "of %i hosts runs the same way each time, and another way by another seed",
    (hosts) => {
      const first = traceOf(hosts, 1);
      expect(first.steps).toBeGreaterThan(100);
      expect(traceOf(hosts, 1)).toEqual(first);
      expect(traceOf(hosts, 2).hash).not.toBe(first.hash);
    },
  );
});
