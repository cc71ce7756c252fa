/**
 * What a simulated cluster of N hosts costs, and how its gossip and its levelling scale.
 *
 * `node scripts/bench-scale.ts [--hosts 100,1000] [--seconds 60] [--vms 10] [--seed 1] [--noise 0.1]`
 * prints one line a size: CPU, memory, messages, moves and how even the hosts became. Many
 * thousand hosts need a larger heap: `node --max-old-space-size=12000 scripts/bench-scale.ts …`.
 * Exits 2 on a wrong command line.
 */
import { parseArgs } from "node:util";
import { Prng } from "#lib/base/prng.ts";
import { mean, populationSd } from "#lib/base/stats.ts";
import { Node } from "#lib/core/node.ts";
import type { HostId, VmName } from "#lib/model/ids.ts";
import { simVmSpec } from "#lib/simulation/sim-cluster.ts";
import { SimWorld } from "#lib/simulation/sim-world.ts";
import { ConstantWorkload, NoisyWorkload } from "#lib/simulation/workload.ts";
import { wholeNumber } from "./bench/whole-number.ts";

const gibibyte = 2 ** 30;
const cores = 16;
const host = {
  cpuCapacityCores: cores,
  memoryCapacityBytes: 96 * gibibyte,
  reservedMemoryBytes: 2 * gibibyte,
};
/** Load of a host's VMs relative to the average, host by host in turn. */
const skew = [2.2, 1.2, 0.7, 0.35];
const meanUtilisation = 0.45;
/** What the sequential greedy leaves of unevenness (standard deviation of CPU utilisation). */
const greedySd = 0.0085;
/** Hosts that are asked how old their knowledge is. */
const askedHosts = 8;

interface Size {
  readonly hosts: number;
  readonly seconds: number;
  readonly vms: number;
  readonly seed: number;
  readonly noise: number;
}

function main(): void {
  const { values } = parseArgs({
    options: {
      hosts: { type: "string", default: "100,300,1000" },
      seconds: { type: "string", default: "60" },
      vms: { type: "string", default: "10" },
      seed: { type: "string", default: "1" },
      noise: { type: "string", default: "0.1" },
    },
  });
  const [seconds, vms, seed] = [values.seconds, values.vms, values.seed].map(wholeNumber);
  for (const hosts of values.hosts.split(",").map(wholeNumber)) {
    const size = { hosts, seconds: seconds ?? 0, vms: vms ?? 0, seed: seed ?? 0 };
    console.log(measure({ ...size, noise: Number(values.noise) }));
  }
}

function measure(size: Size): string {
  const demand = new Map<VmName, number>();
  const world = worldOf(size, demand);
  const level = new Level(world, demand);
  const before = level.sd();
  const goal = before - 0.95 * (before - greedySd);
  let secondsToGoal: number | undefined;
  const startedMs = performance.now();
  const cpuBefore = process.cpuUsage();
  world.startAll();
  for (let second = 1; second <= size.seconds; second += 1) {
    world.runFor(1_000);
    if (secondsToGoal === undefined && level.sd() <= goal) secondsToGoal = second;
  }
  const cpu = process.cpuUsage(cpuBefore);
  const cpuSeconds = (cpu.user + cpu.system) / 1e6;
  const hostSeconds = size.hosts * size.seconds;
  const { sentMessages, sentBytes } = world.network;
  return [
    `${size.hosts} hosts, ${size.seconds} s:`,
    `${cpuSeconds.toFixed(1)} cpu s (${((performance.now() - startedMs) / 1000).toFixed(1)} s),`,
    `${((cpuSeconds * 1e6) / hostSeconds).toFixed(0)} us/host/s,`,
    `${(process.resourceUsage().maxRSS / 2 ** 20).toFixed(2)} GiB peak,`,
    `${(sentMessages / hostSeconds).toFixed(2)} messages and ${(sentBytes / hostSeconds).toFixed(0)} B/host/s,`,
    `${level.moves} moves, cpu sd ${before.toFixed(3)} to ${level.sd().toFixed(4)},`,
    `95 % after ${secondsToGoal ?? "-"} s; ${knowledge(world)}`,
  ].join(" ");
}

function worldOf({ hosts, seed, vms, noise }: Size, demand: Map<VmName, number>): SimWorld {
  const prng = new Prng(`bench.${seed}`);
  const constant = new ConstantWorkload({ cpuCores: 0, byVm: demand });
  const world = new SimWorld({
    seed,
    makeNode: (options) => new Node(options),
    hosts: Array.from({ length: hosts }, () => host),
    workload: noise === 0 ? constant : new NoisyWorkload(constant, noise, prng),
    // A second a GiB: 10 Gbit/s.
    bandwidthBytesPerSecond: gibibyte,
  });
  let sum = 0;
  for (const [index, id] of world.hosts.entries()) {
    for (let vm = 0; vm < vms; vm += 1) {
      const name = `vm-${index}-${vm}`;
      const weight = (skew[index % skew.length] ?? 1) * Math.exp(0.8 * normal(prng));
      demand.set(name, weight);
      sum += weight;
      world.placeVm(id, simVmSpec(name, (2 + prng.nextInt(7)) * gibibyte));
    }
  }
  const scale = (meanUtilisation * cores * hosts) / sum;
  for (const [name, weight] of demand) demand.set(name, weight * scale);
  world.presetMode("act");
  return world;
}

/** Where the VMs run, kept up with every change, and how uneven that is. */
class Level {
  moves = 0;
  readonly #demand: ReadonlyMap<VmName, number>;
  readonly #usedCores = new Map<HostId, number>();

  constructor(world: SimWorld, demand: ReadonlyMap<VmName, number>) {
    this.#demand = demand;
    for (const { id, host: hypervisor } of world.machines) {
      this.#usedCores.set(id, 0);
      for (const copy of hypervisor.copies()) this.#add(id, copy.spec.name, 1);
    }
    world.onFact(
      (fact) => {
        if (fact.type !== "copyChanged") return;
        const { vm, before, after } = fact.change;
        if (before?.state === "received" && after?.state === "running") {
          this.moves += 1;
          this.#add(fact.host, vm, 1);
        } else if (before?.state === "sent" && after === null) this.#add(fact.host, vm, -1);
      },
      ["copyChanged"],
    );
  }

  sd(): number {
    return populationSd([...this.#usedCores.values()].map((used) => used / cores));
  }

  #add(id: HostId, vm: VmName, sign: 1 | -1): void {
    const amount = sign * (this.#demand.get(vm) ?? 0);
    this.#usedCores.set(id, (this.#usedCores.get(id) ?? 0) + amount);
  }
}

/** How much some hosts know of the others, and how old that is. */
function knowledge(world: SimWorld): string {
  const step = Math.max(1, Math.floor(world.hosts.length / askedHosts));
  const asked = world.hosts.filter((_, index) => index % step === 0);
  const ages = asked.map((id) => {
    const members = world.snapshotOf(id)?.members ?? [];
    return members.flatMap(({ ageMs, self }) => (ageMs === null || self ? [] : [ageMs / 1000]));
  });
  const fresh = ages.map((seconds) => seconds.filter((age) => age <= 15));
  const known = mean(ages.map((seconds) => seconds.length)).toFixed(0);
  const freshCount = mean(fresh.map((seconds) => seconds.length)).toFixed(0);
  return `knows ${known} hosts, ${freshCount} of them fresh, ${mean(fresh.flat()).toFixed(1)} s old`;
}

/** A standard normal figure, as the sum of twelve uniform ones less six. */
function normal(prng: Prng): number {
  let sum = -6;
  for (let term = 0; term < 12; term += 1) sum += prng.nextShare();
  return sum;
}

try {
  main();
} catch (error) {
  if (!(error instanceof RangeError || error instanceof TypeError)) throw error;
  console.error(`bench-scale: ${error.message}`);
  process.exitCode = 2;
}
