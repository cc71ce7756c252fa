/**
 * A VM in doubt, resolved by the operator's word while the other host is off; then that host comes
 * back with a journal that knows nothing of it.
 */
import { describe, expect, it } from "vitest";
import { Node } from "#lib/core/node.ts";
import type { HostId } from "#lib/model/ids.ts";
import type { CheckedWorld } from "#lib/simulation/checked-world.ts";
import { type MomentName, MoveMoments } from "#lib/simulation/faults/move-moment.ts";
import { addVm, joinedWorld, mustDo, simVmSpec, smallHost } from "#lib/simulation/sim-cluster.ts";
import { ConstantWorkload } from "#lib/simulation/workload.ts";

const disk = { path: "/srv/web.qcow2", format: "qcow2" } as const;

function world(seed: number): CheckedWorld {
  return joinedWorld({
    seed,
    scenario: "fenced-host",
    makeNode: (options) => new Node(options),
    hosts: [smallHost, smallHost, smallHost],
    workload: new ConstantWorkload({ cpuCores: 0.1 }),
  });
}

/** Cuts the two ends off from each other: before the vote arrives, or once the commit has. */
function cutAt(at: MomentName, inWorld: CheckedWorld, [a, b]: readonly [HostId, HostId]): void {
  const moments = new MoveMoments();
  inWorld.onFact((fact) => {
    if (!moments.of(fact).some(({ name }) => name === at)) return;
    inWorld.clock.after(at === "held" ? 0 : 2, () => inWorld.links.cut(a, b));
  });
}

function inDoubt(inWorld: CheckedWorld, host: HostId): boolean {
  return inWorld.snapshotOf(host)?.moves.some((move) => move.inDoubt) ?? false;
}

/** Moves web from a to b, cut off at the moment; then one end is fenced and the other resolves. */
function resolved(seed: number, at: MomentName, resolver: "source" | "target", disks: boolean) {
  const inWorld = world(seed);
  const [a, b] = inWorld.hosts as [HostId, HostId];
  addVm(inWorld, a, { ...simVmSpec("web"), disks: disks ? [disk] : [] });
  inWorld.runFor(5_000);
  cutAt(at, inWorld, [a, b]);
  mustDo(inWorld, a, { verb: "migrate", vm: "web", target: b });
  const [here, fenced] = resolver === "source" ? [a, b] : [b, a];
  expect(inWorld.runUntil(() => inDoubt(inWorld, here), 60_000)).toBe(true);
  inWorld.crashHost(fenced);
  mustDo(inWorld, here, { verb: "resolve", vm: "web", decision: "run-here", fenced });
  inWorld.runFor(5_000);
  inWorld.links.healAll();
  inWorld.startAgent(fenced);
  return { inWorld, here, fenced };
}

const cases = [
  ["committed", "source", true],
  ["committed", "source", false],
  ["held", "target", true],
  ["held", "target", false],
] as const;

describe("a host that comes back after it was fenced", () => {
  it.each(cases)("at %s, resolved at the %s (disk: %j), yields the VM", (at, resolver, disks) => {
    for (let seed = 1; seed <= 5; seed += 1) {
      const { inWorld, here, fenced } = resolved(seed, at, resolver, disks);
      inWorld.settle(60_000);
      expect(inWorld.machine(here).host.copy("web")?.state).toBe("running");
      expect(inWorld.machine(fenced).host.copy("web")).toBeUndefined();
      expect(inWorld.machine(fenced).journal.line("vm/web")).toBeUndefined();
    }
  });

  it("lets a VM that it was given go on only once its source has closed the move", () => {
    const inWorld = world(2);
    const [a, b, c] = inWorld.hosts as [HostId, HostId, HostId];
    addVm(inWorld, a, simVmSpec("web"));
    inWorld.runFor(5_000);
    cutAt("running", inWorld, [a, b]);
    mustDo(inWorld, a, { verb: "migrate", vm: "web", target: b });
    expect(inWorld.runUntil(() => inDoubt(inWorld, a), 60_000)).toBe(true);
    const refused = inWorld.ask(b, { verb: "migrate", vm: "web", target: c });
    inWorld.runFor(5_000);
    expect(refused()?.status).toBe(409);
    expect(refused()?.message).toMatch(/the other end of its last move has not confirmed/);
    inWorld.links.healAll();
    inWorld.settle(60_000);
    mustDo(inWorld, b, { verb: "migrate", vm: "web", target: c });
    inWorld.settle(60_000);
    expect(inWorld.machine(c).host.copy("web")?.state).toBe("running");
  });

  it("starts its own guests when nobody answers, later", () => {
    const inWorld = world(1);
    const [a, b, c] = inWorld.hosts as [HostId, HostId, HostId];
    addVm(inWorld, a, simVmSpec("web"));
    inWorld.runFor(5_000);
    inWorld.crashHost(a);
    inWorld.links.partition([[a], [b, c]]);
    inWorld.startAgent(a);
    inWorld.runFor(20_000);
    expect(inWorld.machine(a).host.copy("web")).toBeUndefined();
    inWorld.killAgent(a);
    inWorld.startAgent(a);
    inWorld.runFor(35_000);
    expect(inWorld.machine(a).host.copy("web")?.state).toBe("running");
  });
});
