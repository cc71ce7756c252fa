import { expect } from "vitest";
import { Node } from "#lib/core/node.ts";
import type { HostId } from "#lib/model/ids.ts";
import type { VmLoad } from "#lib/model/load.ts";
import type { ServiceSpec } from "#lib/model/service.ts";
import type { VmSpec } from "#lib/model/vm-spec.ts";
import { memberNameOf } from "#lib/services/member-name.ts";
import type { CheckedWorld } from "#lib/simulation/checked-world.ts";
import { joinedWorld, mustDo, smallHost } from "#lib/simulation/sim-cluster.ts";
import { ConstantWorkload } from "#lib/simulation/workload.ts";
import { serviceSpecOf } from "./declared-service.ts";

export const hostCount = 3;
export const mebibyte = 2 ** 20;
/** Staged one after the other at worst: boot, health check, suspend. */
export const stagedMsMax = 30_000;
export const bigHost = { ...smallHost, cpuCapacityCores: 4, memoryCapacityBytes: 4096 * mebibyte };

/** Clients of one service: so many sessions, so much CPU, shared by the members that run. */
export class Crowd {
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

export function memberAt(world: CheckedWorld, host: HostId) {
  const name = memberNameOf("web", host);
  return name === null ? undefined : world.machine(host).host.copy(name);
}

export function hostsWith(world: CheckedWorld, state: string): readonly HostId[] {
  return world.hosts.filter((host) => memberAt(world, host)?.state === state);
}

export function runningHosts(world: CheckedWorld): readonly HostId[] {
  return hostsWith(world, "running");
}

/** Hosts whose member the switch of `at` sends requests to. */
export function readyAt(world: CheckedWorld, at: HostId): readonly HostId[] {
  return world.hosts.filter((host) => world.switchOf(at)?.sends(memberNameOf("web", host) ?? ""));
}

export function webSpec(changes: Partial<ServiceSpec> = {}): ServiceSpec {
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

export function serving(seed: number, changes: Partial<ServiceSpec> = {}, diskBytesMax = 2 ** 33) {
  const crowd = new Crowd();
  const world = joinedWorld({
    seed,
    scenario: "service-members",
    makeNode: (options) => new Node(options),
    hosts: Array.from({ length: hostCount }, () => bigHost),
    workload: crowd,
    hostingOf: () => ({ overlayFolder: "/srv/members", diskBytesMax, hasSwitch: true }),
    sessionDemand: () => crowd.sessions,
  });
  crowd.world = world;
  const [first = ""] = world.hosts;
  mustDo(world, first, { verb: "mode", mode: "act" });
  mustDo(world, first, { verb: "serviceApply", spec: webSpec(changes) });
  return { world, crowd, first };
}

export function settledOn(world: CheckedWorld, count: number): () => boolean {
  return () => {
    const running = runningHosts(world);
    const staged = running.length + hostsWith(world, "suspended").length;
    const alike = world.hosts.every(
      (host) => !world.agent(host) || readyAt(world, host).join() === running.join(),
    );
    return running.length === count && staged === hostCount && alike;
  };
}

export function settled(seed: number, changes: Partial<ServiceSpec> = {}) {
  const all = serving(seed, changes);
  expect(all.world.runUntil(settledOn(all.world, changes.running?.min ?? 1), stagedMsMax)).toBe(
    true,
  );
  return all;
}

/** Runs and counts how often the number of running members changed. */
export function changesWithin(world: CheckedWorld, ms: number): number {
  let changes = 0;
  let count = runningHosts(world).length;
  world.runUntil(() => {
    const now = runningHosts(world).length;
    if (now !== count) changes += 1;
    count = now;
    return false;
  }, ms);
  return changes;
}
