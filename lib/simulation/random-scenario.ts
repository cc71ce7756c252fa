import { Prng } from "../base/prng.ts";
import { defaultCoreSettings } from "../core/node-options.ts";
import type { HostId } from "../model/ids.ts";
import type { Verb } from "../model/verb.ts";
import type { VmPolicy } from "../model/vm-spec.ts";
import type { CheckedWorld } from "./checked-world.ts";
import { type NetworkOptions, quietNetwork } from "./network-options.ts";
import { addVm, joinedWorld, mustDo, simVmSpec, smallHost } from "./sim-cluster.ts";
import type { SimNodeMaker } from "./sim-node.ts";
import { ConstantWorkload, NoisyWorkload } from "./workload.ts";

/** Name of the scenario that a seed alone describes. */
export const randomScenario = "random";

export interface RandomScenarioOptions {
  readonly seed: number;
  readonly makeNode: SimNodeMaker;
  /** Sees the world before anything happens in it. */
  readonly watch?: (world: CheckedWorld) => void;
}

/** What one random run did, for the totals. */
export interface RandomRun {
  readonly hosts: number;
  readonly vms: number;
  readonly faults: number;
  readonly moves: number;
  readonly virtualMs: number;
}

const hostsMin = 3;
const smallHostsMax = 8;
/** One run in twenty is large: it costs as much as the other nineteen. */
const largeShare = 0.05;
const largeHostsMax = 30;
const faultyMs = 90_000;
const faultsMax = 14;
/** Longest time that one thing stays broken, ms. */
const brokenMsMax = 30_000;
const settleMsMax = 90_000;
/** A machine that was asleep wakes up at most this much later, ms. */
const clockJumpMsMax = 3_600_000;

/**
 * A cluster of 3 to 8, at times 30, hosts that levels a lopsided load, with an operator at work and
 * up to 14 faults at random times; then everything is healed and must agree. Throws
 * SimulationFailure when anything that must hold did not.
 */
export function runRandomScenario(options: RandomScenarioOptions): RandomRun {
  const { seed } = options;
  const prng = new Prng(`scenario.${seed}`);
  const hostsMax = prng.nextShare() < largeShare ? largeHostsMax : smallHostsMax;
  const hosts = hostsMin + prng.nextInt(hostsMax - hostsMin + 1);
  const vms = hosts + prng.nextInt(2 * hosts);
  const world = joinedWorld({
    seed,
    scenario: randomScenario,
    makeNode: options.makeNode,
    hosts: Array.from({ length: hosts }, () => smallHost),
    workload: new NoisyWorkload(
      new ConstantWorkload({ cpuCores: 0.05, dirtyBytesPerSecond: prng.nextInt(100_000_000) }),
      0.1,
      new Prng(`load.${seed}`),
    ),
    network: randomNetwork(prng),
    settings: { ...defaultCoreSettings, cooldownMs: 5_000 },
    // Every fourth cluster has slow disks, every fourth slow hypervisors.
    syncMsMax: prng.nextInt(4) === 0 ? 300 : 2,
    orderMsMax: prng.nextInt(4) === 0 ? 500 : 6,
    bandwidthBytesPerSecond: 20_000_000 + prng.nextInt(200_000_000),
  });
  options.watch?.(world);
  const run = new RandomRunner(world, prng);
  run.addVms(vms);
  run.breakThings();
  world.runFor(faultyMs);
  world.healAll();
  // Balancing would go on: what is under way must end, and nothing new begin.
  world.ask(world.hosts[0] as HostId, { verb: "mode", mode: "hold" });
  for (const host of world.hosts) world.ask(host, { verb: "undrain", host });
  world.settle(settleMsMax);
  return { hosts, vms, virtualMs: world.clock.nowMs, faults: run.faults, moves: run.moves };
}

function randomNetwork(prng: Prng): NetworkOptions {
  const rough = prng.nextShare() ** 2;
  return {
    ...quietNetwork,
    delayMsMax: 1.5 + 40 * rough,
    datagramLossShare: 0.3 * rough,
    datagramTwiceShare: 0.1 * rough,
    datagramLateShare: 0.2 * rough,
    datagramLateMsMax: 1_000,
  };
}

class RandomRunner {
  readonly #world: CheckedWorld;
  readonly #prng: Prng;
  #vms: string[] = [];
  faults = 0;
  moves = 0;

  constructor(world: CheckedWorld, prng: Prng) {
    this.#world = world;
    this.#prng = prng;
    world.onFact((fact) => {
      if (fact.type === "copyChanged" && fact.change.after?.state === "received") this.moves += 1;
    });
  }

  /** Two thirds of the VMs crowd the first host. */
  addVms(count: number): void {
    const world = this.#world;
    const first = world.hosts[0] as HostId;
    mustDo(world, first, { verb: "mode", mode: "act" });
    for (let index = 0; index < count; index += 1) {
      const vm = `vm-${index + 1}`;
      this.#vms.push(vm);
      const elsewhere = this.#prng.pick(world.hosts) ?? first;
      addVm(world, index % 3 === 0 ? elsewhere : first, {
        ...simVmSpec(vm),
        policy: this.#policy(),
      });
    }
  }

  /** Two VMs in five have a rule. */
  #policy(): VmPolicy {
    const free: VmPolicy = { pin: null, ignore: false, antiAffinityGroup: null };
    const host = this.#prng.pick(this.#world.machines)?.name ?? null;
    const ruled: readonly VmPolicy[] = [
      { ...free, pin: host },
      { ...free, ignore: true },
      { ...free, antiAffinityGroup: "one" },
      { ...free, antiAffinityGroup: "two" },
    ];
    return (this.#prng.nextShare() < 0.4 ? this.#prng.pick(ruled) : free) ?? free;
  }

  breakThings(): void {
    const { clock } = this.#world;
    // In every third run the hypervisors answer some orders with an error.
    const flaky = this.#prng.nextInt(3) === 0;
    this.#world.orderFailureShare = flaky ? 0.2 * this.#prng.nextShare() : 0;
    for (let count = this.#prng.nextInt(faultsMax + 1); count > 0; count -= 1) {
      clock.after(this.#prng.nextShare() * faultyMs, () => this.#fault());
    }
    for (let count = this.#prng.nextInt(16); count > 0; count -= 1) {
      clock.after(this.#prng.nextShare() * faultyMs, () => this.#operator());
    }
  }

  /** An operator's verb, sensible or not, at any host. */
  #operator(): void {
    const vm = this.#prng.pick(this.#vms);
    const [asked, target] = this.#prng.sample(this.#world.hosts, 2);
    if (!vm || !asked || !target) return;
    const verbs: readonly Verb[] = [
      { verb: "migrate", vm, target },
      { verb: "migrate", vm, target },
      { verb: "migrate", vm, target },
      { verb: "cancel", vm },
      { verb: "suspend", vm },
      { verb: "resume", vm },
      { verb: "stop", vm, force: this.#prng.nextShare() < 0.5 },
      { verb: "start", vm },
      { verb: "drain", host: target },
      { verb: "undrain", host: target },
    ];
    const verb = this.#prng.pick(verbs);
    if (verb) this.#world.ask(asked, verb);
  }

  #fault(): void {
    this.faults += 1;
    const world = this.#world;
    const [a, b] = this.#prng.sample(world.hosts, 2) as [HostId, HostId];
    const faults: readonly (() => void)[] = [
      () => this.#killAgent(a),
      () => this.#killAgent(a),
      () => this.#pauseAgent(a),
      () => this.#pauseAgent(a),
      () => {
        world.links.cut(a, b);
        this.#later(() => world.links.heal(a, b));
      },
      () => {
        world.links.cutOneWay(a, b);
        this.#later(() => world.links.heal(a, b));
      },
      () => this.#partition(),
      () => this.#killGuest(a),
      () => this.#killChannels(a),
      () => {
        world.crashHost(a);
        this.#later(() => world.startAgent(a));
      },
      () => this.#loseDisk(a),
      () => world.jumpClock(a, this.#prng.nextInt(clockJumpMsMax)),
    ];
    this.#prng.pick(faults)?.();
  }

  #killAgent(host: HostId): void {
    this.#world.killAgent(host);
    this.#later(() => this.#world.startAgent(host));
  }

  #pauseAgent(host: HostId): void {
    this.#world.pauseAgent(host);
    this.#later(() => this.#world.continueAgent(host));
  }

  #partition(): void {
    const shuffled = this.#prng.shuffle(this.#world.hosts);
    const cut = 1 + this.#prng.nextInt(shuffled.length - 1);
    this.#world.links.partition([shuffled.slice(0, cut), shuffled.slice(cut)]);
    this.#later(() => this.#world.links.healAll());
  }

  /** Rare: without its journal nobody can know much, and a run has little left to prove. */
  #loseDisk(host: HostId): void {
    if (this.#prng.nextShare() > 0.3) return;
    this.#world.crashHost(host, true);
    this.#later(() => this.#world.startAgent(host));
  }

  #killGuest(host: HostId): void {
    const vm = this.#prng.pick(this.#world.machine(host).host.copies())?.spec.name;
    if (vm) this.#world.killGuest(host, vm);
  }

  #killChannels(host: HostId): void {
    for (const moveId of this.#world.channels.ofHost(host)) this.#world.killChannel(moveId, host);
  }

  #later(mend: () => void): void {
    const longest = this.#prng.nextShare() < 0.5 ? 2_000 : brokenMsMax;
    this.#world.clock.after(this.#prng.nextShare() * longest, mend);
  }
}
