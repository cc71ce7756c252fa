import { Prng } from "../base/prng.ts";
import { defaultCoreSettings } from "../core/node-options.ts";
import type { HostId } from "../model/ids.ts";
import type { VmSpec } from "../model/vm-spec.ts";
import { CheckedWorld } from "./checked-world.ts";
import { HostTroubles } from "./faults/host-trouble.ts";
import { RandomFaults } from "./faults/random-faults.ts";
import { ServiceOperator } from "./faults/service-operator.ts";
import { TroubledNode } from "./faults/troubled-node.ts";
import { type NetworkOptions, quietNetwork } from "./network-options.ts";
import { type RandomServices, randomServices } from "./random-services.ts";
import { ServiceDemand } from "./service-demand.ts";
import { addVm, mustDo, simVmSpec, smallHost } from "./sim-cluster.ts";
import type { SimNodeMaker } from "./sim-node.ts";
import { ConstantWorkload, NoisyWorkload } from "./workload.ts";

/** Name of the scenario that a seed alone describes. */
export const randomScenario = "random";

export interface RandomScenarioOptions {
  readonly seed: number;
  readonly makeNode: SimNodeMaker;
  /** Sees the world before anything happens in it. */
  readonly watch?: (world: CheckedWorld) => void;
  /** What the line that replays a failure says after the seed. */
  readonly replayOptions?: string;
}

/** What one random run did, for the totals. */
export interface RandomRun {
  readonly hosts: number;
  readonly vms: number;
  readonly services: number;
  readonly virtualMs: number;
  /** How often each kind of fault, verb and mishap of a datagram happened. */
  readonly faults: Readonly<Record<string, number>>;
  /** Moves by how they ended. */
  readonly moves: Readonly<Record<string, number>>;
}

const hostsMin = 3;
/** Most runs are small, as a run costs with the square of its hosts: [share of runs, most hosts]. */
const sizes = [
  [0.75, 7],
  [0.95, 14],
  [1, 30],
] as const;
const joinMsMax = 20_000;
const faultyMs = 90_000;
const settleMsMax = 120_000;
/** A member that could not be staged or suspended is tried again after minutes at worst. */
const servicesMsMax = 600_000;
const serviceCheckers = ["service-bounds", "service-switches"];

/**
 * A cluster of 3 to 30 hosts that levels a lopsided load, with an operator at work and faults at
 * random times and at the worst moments of its moves; then everything is mended and must agree. In
 * one run of three there are services as well.
 * Throws SimulationFailure when anything that must hold did not.
 */
export function runRandomScenario(options: RandomScenarioOptions): RandomRun {
  const prng = new Prng(`scenario.${options.seed}`);
  const size = prng.nextShare();
  const hostsMax = (sizes.find(([share]) => size < share) ?? sizes[0])[1];
  const hosts = hostsMin + prng.nextInt(hostsMax - hostsMin + 1);
  const vms = hosts + prng.nextInt(2 * hosts);
  const troubles = new HostTroubles();
  const services = randomServices(options.seed, hosts);
  const { world, demand } = worldOf(options, { prng, hosts, troubles, services });
  options.watch?.(world);
  return world.guarded(() => {
    join(world);
    const names = addVms(world, prng, vms);
    const faults = new RandomFaults({ world, troubles, prng, vms: names, lastMs: faultyMs });
    const operator =
      services && new ServiceOperator({ ...services, world, demand, lastMs: faultyMs });
    world.runFor(faultyMs);
    faults.end();
    operator?.end();
    world.healAll();
    if (services) settleServices(world, services);
    // Balancing would go on: what is under way must end, and nothing new begin. Every host is told,
    // since one that has not heard of an operator's latest "act" holds already.
    for (const host of world.hosts) {
      world.ask(host, { verb: "mode", mode: "hold" });
      world.ask(host, { verb: "undrain", host });
    }
    world.settle(settleMsMax);
    const { faults: counts, moves } = faults.totals();
    return {
      hosts,
      vms,
      services: services?.specs.length ?? 0,
      virtualMs: world.clock.nowMs,
      faults: { ...counts, ...operator?.counts() },
      moves,
    };
  });
}

interface Drawn {
  readonly prng: Prng;
  readonly hosts: number;
  readonly troubles: HostTroubles;
  readonly services: RandomServices | null;
}

function worldOf(
  options: RandomScenarioOptions,
  { prng, hosts, troubles, services }: Drawn,
): { readonly world: CheckedWorld; readonly demand: ServiceDemand } {
  const { seed, makeNode, replayOptions } = options;
  // A guest dirties at most so much of the link that even the largest moves within a minute.
  const bandwidthBytesPerSecond = 100_000_000 + prng.nextInt(200_000_000);
  const dirtyBytesPerSecond = 0.8 * prng.nextInt(bandwidthBytesPerSecond);
  const load = new ConstantWorkload({ cpuCores: 0.05, dirtyBytesPerSecond });
  const demand = new ServiceDemand(new NoisyWorkload(load, 0.1, new Prng(`load.${seed}`)));
  const serving = {
    ...(services ? { hostingOf: services.hostingOf } : {}),
    sessionDemand: (backend: string) => demand.sessionsOf(backend),
  };
  const world = new CheckedWorld({
    ...serving,
    seed,
    scenario: randomScenario,
    replay: `--seed ${seed}${replayOptions ?? ""}`,
    makeNode: (node) => new TroubledNode(makeNode(node), node, troubles),
    hosts: Array.from({ length: hosts }, () => smallHost),
    workload: demand,
    network: randomNetwork(prng),
    settings: { ...defaultCoreSettings, cooldownMs: 5_000 },
    // Every fourth cluster has slow disks, every fourth slow hypervisors.
    syncMsMax: prng.nextInt(4) === 0 ? 300 : 2,
    orderMsMax: prng.nextInt(4) === 0 ? 500 : 6,
    bandwidthBytesPerSecond,
    obeys: (host) => !troubles.of(host).hung,
  });
  demand.world = world;
  return { world, demand };
}

/** As many members as should run do so, also on each side of a partition and after it. */
function settleServices(world: CheckedWorld, { prng }: RandomServices): void {
  for (const host of world.hosts) {
    world.ask(host, { verb: "mode", mode: "act" });
    world.ask(host, { verb: "undrain", host });
  }
  world.settleOn(serviceCheckers, servicesMsMax);
  if (prng.nextInt(2) === 0) return;
  const shuffled = prng.shuffle(world.hosts);
  const cut = 1 + prng.nextInt(world.hosts.length - 1);
  world.links.partition([shuffled.slice(0, cut), shuffled.slice(cut)]);
  world.runFor(1_000);
  world.settleOn(serviceCheckers, servicesMsMax);
  world.healAll();
  world.settleOn(serviceCheckers, servicesMsMax);
}

/** Every fifth network loses 30 % of its datagrams; the others anything from none to that. */
function randomNetwork(prng: Prng): NetworkOptions {
  const rough = prng.nextInt(5) === 0 ? 1 : prng.nextShare() ** 2;
  return {
    ...quietNetwork,
    delayMsMax: 1.5 + 40 * rough,
    datagramLossShare: 0.3 * rough,
    datagramTwiceShare: 0.1 * rough,
    datagramLateShare: 0.2 * rough,
    datagramLateMsMax: 1_000,
  };
}

/** Waits until all hosts know each other. Looks seldom: looking is dear. */
function join(world: CheckedWorld): void {
  world.startAll();
  const untilMs = world.clock.nowMs + joinMsMax;
  while (!world.hosts.every((host) => knowsAll(world, host))) {
    if (world.clock.nowMs > untilMs) world.fail("convergence", "the hosts do not find each other");
    world.runFor(500);
  }
}

function knowsAll(world: CheckedWorld, host: HostId): boolean {
  const members = world.snapshotOf(host)?.members ?? [];
  return members.filter(({ state }) => state === "alive").length === world.hosts.length;
}

/** Two thirds of the VMs crowd the first host. */
function addVms(world: CheckedWorld, prng: Prng, count: number): readonly string[] {
  const first = world.hosts[0] as HostId;
  const names = Array.from({ length: count }, (_, index) => `vm-${index + 1}`);
  mustDo(world, first, { verb: "mode", mode: "act" });
  // In every third cluster memory is short.
  const memoryMaxBytes = (prng.nextInt(3) === 0 ? 1024 : 64) * 2 ** 20;
  for (const [index, name] of names.entries()) {
    const elsewhere = prng.pick(world.hosts) ?? first;
    const memoryBytes = Math.max(64 * 2 ** 20, prng.nextInt(memoryMaxBytes));
    const spec = simVmSpec(name, memoryBytes);
    addVm(world, index % 3 === 0 ? elsewhere : first, randomised(spec, world, prng));
  }
  return names;
}

/** One VM in four has a disk, which both ends of a move see; two in five have a rule. */
function randomised(spec: VmSpec, world: CheckedWorld, prng: Prng): VmSpec {
  const disk = { path: `/srv/${spec.name}.qcow2`, format: "qcow2" } as const;
  const pin = prng.pick(world.machines)?.name ?? null;
  const rules: readonly Partial<VmSpec["policy"]>[] = [
    { pin },
    { ignore: true },
    { antiAffinityGroup: "one" },
    { antiAffinityGroup: "two" },
    { affinityGroup: "three" },
  ];
  const rule = prng.nextShare() < 0.4 ? prng.pick(rules) : undefined;
  return {
    ...spec,
    disks: prng.nextInt(4) === 0 ? [disk] : [],
    policy: { ...spec.policy, ...rule },
  };
}
