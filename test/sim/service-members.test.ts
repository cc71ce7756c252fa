/** Services as their members: staged everywhere, resumed by demand, replaced when a host is lost. */
import { describe, expect, it } from "vitest";
import { Node } from "#lib/core/node.ts";
import type { HostId } from "#lib/model/ids.ts";
import type { VmLoad } from "#lib/model/load.ts";
import type { ServiceSpec } from "#lib/model/service.ts";
import type { VmSpec } from "#lib/model/vm-spec.ts";
import { memberNameOf } from "#lib/services/member-name.ts";
import type { CheckedWorld } from "#lib/simulation/checked-world.ts";
import { joinedWorld, mustDo, smallHost } from "#lib/simulation/sim-cluster.ts";
import { ConstantWorkload } from "#lib/simulation/workload.ts";
import { serviceSpecOf } from "../support/declared-service.ts";

const seeds = [1, 2, 3];
const hostCount = 3;
const mebibyte = 2 ** 20;
/** Staged one after the other at worst: boot, health check, suspend. */
const stagedMsMax = 20_000;
const bigHost = { ...smallHost, cpuCapacityCores: 4, memoryCapacityBytes: 4096 * mebibyte };

/** Clients of one service: so many sessions, so much CPU, shared by the members that run. */
class Crowd {
  sessions = 3;
  cpuCores = 0.3;
  world: CheckedWorld | undefined;
  readonly stepMs = 0;

  loadOf(spec: VmSpec): VmLoad {
    const base = new ConstantWorkload({ cpuCores: 0.1 }).loadOf(spec);
    if (!this.world) return base;
    const share = this.cpuCores / Math.max(1, runningHosts(this.world).length);
    return { ...base, cpuCores: Math.min(spec.vcpus, share) };
  }
}

function memberAt(world: CheckedWorld, host: HostId) {
  const name = memberNameOf("web", host);
  return name === null ? undefined : world.machine(host).host.copy(name);
}

function hostsWith(world: CheckedWorld, state: string): readonly HostId[] {
  return world.hosts.filter((host) => memberAt(world, host)?.state === state);
}

function runningHosts(world: CheckedWorld): readonly HostId[] {
  return hostsWith(world, "running");
}

/** Hosts whose member the switch of `at` sends requests to. */
function readyAt(world: CheckedWorld, at: HostId): readonly HostId[] {
  return world.hosts.filter((host) => world.switchOf(at)?.sends(memberNameOf("web", host) ?? ""));
}

function webSpec(changes: Partial<ServiceSpec> = {}): ServiceSpec {
  return serviceSpecOf("web", {
    hosts: Object.fromEntries(
      Array.from({ length: hostCount }, (_, at) => [
        `host-${at + 1}`,
        { address: `10.1.7.${at + 1}` },
      ]),
    ),
    drainMs: 5_000,
    settleMs: 10_000,
    ...changes,
  });
}

function serving(seed: number, changes: Partial<ServiceSpec> = {}) {
  const crowd = new Crowd();
  const world = joinedWorld({
    seed,
    scenario: "service-members",
    makeNode: (options) => new Node(options),
    hosts: Array.from({ length: hostCount }, () => bigHost),
    workload: crowd,
    hostingOf: () => ({ overlayFolder: "/srv/members", diskBytesMax: 2 ** 33, hasSwitch: true }),
    sessionDemand: () => crowd.sessions,
  });
  crowd.world = world;
  const [first = ""] = world.hosts;
  mustDo(world, first, { verb: "mode", mode: "act" });
  mustDo(world, first, { verb: "serviceApply", spec: webSpec(changes) });
  return { world, crowd, first };
}

function settledOn(world: CheckedWorld, count: number): () => boolean {
  return () => {
    const running = runningHosts(world);
    const staged = running.length + hostsWith(world, "suspended").length;
    const alike = world.hosts.every(
      (host) => !world.agent(host) || readyAt(world, host).join() === running.join(),
    );
    return running.length === count && staged === hostCount && alike;
  };
}

describe("a service's members", () => {
  it.each(seeds)("are staged on all hosts, and the least number runs (seed %i)", (seed) => {
    const { world } = serving(seed);
    expect(world.runUntil(settledOn(world, 1), stagedMsMax)).toBe(true);
    world.runFor(30_000);
    expect(settledOn(world, 1)()).toBe(true);
    world.settle(10_000);
  });
});
