import { Prng } from "../base/prng.ts";
import type { HostId } from "../model/ids.ts";
import type { SimWorld } from "./sim-world.ts";

/** What can befall the hosts of a run, each kind by the word that asks for it. */
export const faultKinds = {
  crash: "a host loses power and boots again",
  disk: "a host loses power and comes back with an empty disk, without its VMs",
  hang: "an agent stands still and goes on",
  restart: "an agent is killed and started again; its VMs run on",
  partition: "the hosts are cut in two parts that cannot talk, for a while",
  link: "two hosts cannot talk, for a while",
} as const;

export type FaultKind = keyof typeof faultKinds;

/** A fault that happened. */
export interface LoggedFault {
  readonly second: number;
  readonly kind: FaultKind;
  /** Names of the hosts that it befell; of a partition, its smaller part. */
  readonly hosts: readonly string[];
}

export interface FaultPlanOptions {
  readonly world: SimWorld;
  readonly kinds: readonly FaultKind[];
  readonly seconds: number;
  readonly seed: number;
}

/** On average one fault in so many seconds, and each kind at least once. */
const faultEverySeconds = 30;
/** Faults happen within this part of the run, and none outlasts it by more than a tenth of the run. */
const firstShare = 0.02;
const lastShare = 0.8;
const brokenMsMin = 1_000;
const brokenMsMax = 30_000;

/** Plans random faults for a run that has not begun; returns the list that they are written to. */
export function planFaults(options: FaultPlanOptions): readonly LoggedFault[] {
  const { kinds, seconds, seed } = options;
  const prng = new Prng(`faults.${seed}`);
  const log: LoggedFault[] = [];
  const count = Math.max(kinds.length, Math.round(seconds / faultEverySeconds));
  for (let index = 0; index < count && kinds.length > 0; index++) {
    const kind = kinds[index] ?? prng.pick(kinds) ?? "restart";
    const share = firstShare + prng.nextShare() * (lastShare - firstShare);
    const strike = new Strike(options, prng, kind);
    options.world.clock.after(share * seconds * 1_000, () => log.push(strike.happen()));
  }
  return log;
}

/** One fault and its mending. */
class Strike {
  readonly #world: SimWorld;
  readonly #prng: Prng;
  readonly #kind: FaultKind;
  readonly #brokenMs: number;

  constructor({ world, seconds }: FaultPlanOptions, prng: Prng, kind: FaultKind) {
    this.#world = world;
    this.#prng = prng;
    this.#kind = kind;
    const longest = Math.min(brokenMsMax, seconds * 100);
    this.#brokenMs = Math.min(longest, brokenMsMin + prng.nextShare() * (longest - brokenMsMin));
  }

  happen(): LoggedFault {
    const struck = this.#strike();
    const hosts = struck.map((host) => this.#world.machine(host).name);
    return { second: Math.round(this.#world.clock.nowMs) / 1_000, kind: this.#kind, hosts };
  }

  #strike(): readonly HostId[] {
    const world = this.#world;
    const [a, b] = this.#prng.sample(world.hosts, 2);
    if (a === undefined) return [];
    switch (this.#kind) {
      case "crash":
      case "disk":
        world.crashHost(a, this.#kind === "disk");
        this.#later(() => world.startAgent(a));
        return [a];
      case "restart":
        world.killAgent(a);
        this.#later(() => world.startAgent(a));
        return [a];
      case "hang":
        world.pauseAgent(a);
        this.#later(() => world.continueAgent(a));
        return [a];
      case "link":
        if (b === undefined) return [];
        world.links.cut(a, b);
        this.#later(() => world.links.heal(a, b));
        return [a, b];
      case "partition":
        return this.#partition();
    }
  }

  #partition(): readonly HostId[] {
    const world = this.#world;
    const shuffled = this.#prng.shuffle(world.hosts);
    const smaller = shuffled.slice(0, 1 + this.#prng.nextInt(Math.max(1, shuffled.length >> 1)));
    world.links.partition([smaller, shuffled.slice(smaller.length)]);
    this.#later(() => world.links.healAll());
    return smaller;
  }

  #later(mend: () => void): void {
    this.#world.clock.after(Math.max(0, this.#brokenMs), mend);
  }
}
