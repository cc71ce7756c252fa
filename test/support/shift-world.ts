import { expect } from "vitest";
import { Prng } from "#lib/base/prng.ts";
import { Node } from "#lib/core/node.ts";
import type { HostId } from "#lib/model/ids.ts";
import type { VmLoad } from "#lib/model/load.ts";
import type { ServiceSpec } from "#lib/model/service.ts";
import type { VmSpec } from "#lib/model/vm-spec.ts";
import { memberNameOf, readMemberName } from "#lib/services/member-name.ts";
import type { CheckedWorld } from "#lib/simulation/checked-world.ts";
import { addVm, joinedWorld, mustDo, simVmSpec } from "#lib/simulation/sim-cluster.ts";
import type { Workload } from "#lib/simulation/workload.ts";
import type { Message } from "#lib/wire/messages.ts";
import { serviceSpecOf } from "./declared-service.ts";
import { bigHost } from "./service-world.ts";

/** Staged one after the other at worst. */
const stagedMsMax = 60_000;

/** Each service's demand is shared by the members that run; every other guest has its own. */
class ShiftLoads implements Workload {
  readonly stepMs = 0;
  readonly services = new Map<string, number>();
  readonly vms = new Map<string, number>();
  world: CheckedWorld | undefined;
  readonly #noiseShare: number;
  readonly #prng: Prng;

  constructor(seed: number, noiseShare: number) {
    this.#noiseShare = noiseShare;
    this.#prng = new Prng(`noise.${seed}`);
  }

  loadOf(spec: VmSpec): VmLoad {
    const factor = 1 + this.#noiseShare * (2 * this.#prng.nextShare() - 1);
    return {
      cpuCores: this.#cpuOf(spec) * factor,
      residentBytes: spec.memoryBytes,
      dirtyBytesPerSecond: 0,
      networkBytesPerSecond: null,
    };
  }

  #cpuOf(spec: VmSpec): number {
    const service = readMemberName(spec.name)?.service;
    const demand = service === undefined ? undefined : this.services.get(service);
    if (service === undefined || demand === undefined) return this.vms.get(spec.name) ?? 0.05;
    const count = this.world ? runningOf(this.world, service).length : 1;
    return Math.min(spec.vcpus, demand / Math.max(1, count));
  }
}

export interface ShiftWorldOptions {
  readonly hosts: number;
  readonly services: Readonly<Record<string, Partial<ServiceSpec>>>;
  /** CPU demand of each service, cores. */
  readonly demand?: number;
  readonly noiseShare?: number;
  /** Cores that the guest pinned to the host of this number, from 0, asks for from the start. */
  readonly burdens?: Readonly<Record<number, number>>;
}

/** Hosts of four cores that serve, and on each a guest that is pinned to it and asks for nothing yet. */
export function shiftWorld(seed: number, options: ShiftWorldOptions) {
  const { hosts: count, services, demand = 0.5, noiseShare = 0, burdens = {} } = options;
  const loads = new ShiftLoads(seed, noiseShare);
  const world = joinedWorld({
    seed,
    scenario: "service-shift",
    makeNode: (nodeOptions) => new Node(nodeOptions),
    hosts: Array.from({ length: count }, () => bigHost),
    workload: loads,
    hostingOf: () => ({ overlayFolder: "/srv/members", diskBytesMax: 2 ** 33, hasSwitch: true }),
    sessionDemand: () => 3,
  });
  loads.world = world;
  const [first = ""] = world.hosts;
  for (const [at, host] of world.hosts.entries()) {
    const spec = simVmSpec(pinnedOn(at));
    loads.vms.set(pinnedOn(at), burdens[at] ?? 0.05);
    addVm(world, host, { ...spec, policy: { ...spec.policy, pin: `host-${at + 1}` } });
  }
  // A member begins where it is coldest: by then all must know who is warm.
  if (Object.keys(burdens).length > 0) world.runFor(15_000);
  mustDo(world, first, { verb: "mode", mode: "act" });
  for (const [name, changes] of Object.entries(services)) {
    loads.services.set(name, demand);
    mustDo(world, first, { verb: "serviceApply", spec: specOf(name, count, changes) });
  }
  const isStaged = () =>
    Object.entries(services).every(([name, { running }]) => {
      const runs = runningOf(world, name).length;
      const sleeps = world.hosts.filter((host) => memberOf(world, name, host) === "suspended");
      return runs === (running?.min ?? 1) && runs + sleeps.length === count;
    });
  expect(world.runUntil(isStaged, stagedMsMax)).toBe(true);
  // Loads are known to all, what was unlevel is level, and nothing rests any more.
  world.runFor(Object.keys(burdens).length > 0 ? 120_000 : 20_000);
  const shifts = countShifts(world);
  return { world, loads, shifts };
}

/** The guest that is pinned to the host of this number, from 0. */
export function pinnedOn(at: number): string {
  return `batch-${at + 1}`;
}

/** The guest pinned to this host asks for so many cores from now on. */
export function burden(
  { world, loads }: ReturnType<typeof shiftWorld>,
  host: HostId,
  cores: number,
): void {
  loads.vms.set(pinnedOn(world.hosts.indexOf(host)), cores);
}

export function runningOf(world: CheckedWorld, service: string): readonly HostId[] {
  return world.hosts.filter((host) => memberOf(world, service, host) === "running");
}

function memberOf(world: CheckedWorld, service: string, host: HostId): string | undefined {
  const name = memberNameOf(service, host);
  return name === null ? undefined : world.machine(host).host.copy(name)?.state;
}

interface Asked {
  readonly to: HostId;
  readonly service: string;
  readonly atMs: number;
  readonly cost: number;
  readonly gain: number;
}

/** Notices of shifts that hosts asked for, and what stewards were told. */
function countShifts(world: CheckedWorld) {
  const asked: Asked[] = [];
  const said: Message[] = [];
  world.onFact((fact, atMs) => {
    if (fact.type === "sent" && fact.message.type.startsWith("shift")) said.push(fact.message);
    if (fact.type !== "stepped") return;
    for (const effect of fact.effects) {
      if (effect.type !== "notice" || effect.notice.code !== "shift") continue;
      const { service, to, cost, gain } = effect.notice.facts;
      asked.push({
        to: world.hosts[Number(String(to).split("-")[1]) - 1] ?? "",
        service: String(service),
        atMs,
        cost: Number(cost),
        gain: Number(gain),
      });
    }
  });
  return { asked, said };
}

/** Members that the switch of some host sends requests to, where it sends fewest. */
function servingOf(world: CheckedWorld, service: string): number {
  const members = world.hosts.map((host) => memberNameOf(service, host) ?? "");
  const sends = world.hosts.map(
    (at) => members.filter((vm) => world.switchOf(at)?.sends(vm)).length,
  );
  return Math.min(...sends);
}

/**
 * Runs and keeps the least number of the service's members that ran, and that a switch sent requests
 * to, and where they ran in turn.
 */
export function watched(
  world: CheckedWorld,
  service: string,
  { until, limitMs }: { until: () => boolean; limitMs: number },
) {
  let least = Number.POSITIVE_INFINITY;
  let leastServing = Number.POSITIVE_INFINITY;
  const places: string[] = [];
  const startMs = world.clock.nowMs;
  const reached = world.runUntil(() => {
    const running = runningOf(world, service);
    least = Math.min(least, running.length);
    leastServing = Math.min(leastServing, servingOf(world, service));
    const place = running.map((host) => world.hosts.indexOf(host) + 1).join("+");
    if (places.at(-1) !== place) places.push(place);
    return until();
  }, limitMs);
  return { reached, least, leastServing, places, ms: world.clock.nowMs - startMs };
}

function specOf(name: string, hosts: number, changes: Partial<ServiceSpec>): ServiceSpec {
  const net = name === "web" ? 7 : 8;
  return serviceSpecOf(name, {
    hosts: Object.fromEntries(
      Array.from({ length: hosts }, (_, at) => [
        `host-${at + 1}`,
        { address: `10.1.${net}.${at + 1}` },
      ]),
    ),
    drainMs: 5_000,
    settleMs: 10_000,
    ...changes,
  });
}
