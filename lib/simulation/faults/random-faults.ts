import type { Prng } from "../../base/prng.ts";
import type { HostId, VmName } from "../../model/ids.ts";
import type { CheckedWorld } from "../checked-world.ts";
import type { SimFact } from "../sim-fact.ts";
import { Ambushes } from "./ambushes.ts";
import { Breaker } from "./breaker.ts";
import { DatagramFates } from "./datagram-fates.ts";
import { FaultTally } from "./fault-tally.ts";
import type { HostTroubles } from "./host-trouble.ts";
import { Operator } from "./operator.ts";

/** At most so many in one run, each. */
const faultsMax = 10;
const ambushesMax = 8;
const verbsMax = 24;

export interface RandomFaultsOptions {
  readonly world: CheckedWorld;
  readonly troubles: HostTroubles;
  readonly prng: Prng;
  readonly vms: readonly VmName[];
  /** Nothing begins later than this from now, ms. */
  readonly lastMs: number;
}

/** All that goes wrong in one random run: at random times, at chosen moments, and by hand. */
export class RandomFaults {
  readonly #options: RandomFaultsOptions;
  readonly #breaker: Breaker;
  readonly #operator: Operator;
  readonly #ambushes: Ambushes;
  readonly #tally = new FaultTally();
  readonly #moves = new FaultTally();
  readonly #datagrams = new DatagramFates();
  #over = false;

  constructor(options: RandomFaultsOptions) {
    const { world, prng, vms, lastMs } = options;
    this.#options = options;
    const shared = { ...options, tally: this.#tally };
    const breaker = new Breaker(shared);
    this.#breaker = breaker;
    this.#operator = new Operator({ ...shared, breaker, vms });
    const meddle = this.#operator.meddle.bind(this.#operator);
    this.#ambushes = new Ambushes({ world, breaker, prng, meddle });
    world.onFact((fact) => this.#onFact(fact));
    const often = (max: number, act: () => void) => {
      for (let count = prng.nextInt(max + 1); count > 0; count -= 1) {
        world.clock.after(prng.nextShare() * lastMs, () => {
          if (!this.#over) act();
        });
      }
    };
    often(faultsMax, () => this.#fault());
    often(ambushesMax, () => this.#ambushes.lay());
    often(verbsMax, () => this.#operator.act());
    // In every third run the hypervisors answer some orders with an error.
    if (prng.nextInt(3) === 0) world.orderFailureShare = 0.2 * prng.nextShare();
    if (world.orderFailureShare > 0) this.#tally.add("hypervisors that refuse orders at random");
  }

  end(): void {
    this.#over = true;
    this.#operator.rest();
    this.#breaker.end();
    this.#ambushes.end();
    this.#options.troubles.mendAll();
  }

  totals(): {
    faults: Readonly<Record<string, number>>;
    moves: Readonly<Record<string, number>>;
  } {
    this.#datagrams.tellTo(this.#tally);
    return { faults: this.#tally.counts(), moves: this.#moves.counts() };
  }

  #onFact(fact: SimFact): void {
    this.#datagrams.observe(fact);
    if (fact.type !== "stepped") return;
    const { name } = this.#options.world.machine(fact.host);
    for (const effect of fact.effects) {
      if (effect.type !== "notice" || effect.notice.code !== "move-ended") continue;
      const { from, result } = effect.notice.facts;
      if (from === name) this.#moves.add(String(result));
    }
  }

  #fault(): void {
    const { world, prng } = this.#options;
    const breaker = this.#breaker;
    const [a, b] = prng.sample(world.hosts, 2) as [HostId, HostId];
    const faults: readonly (() => void)[] = [
      () => breaker.killAgent(a),
      () => breaker.hangAgent(a),
      () => breaker.cut(a, b),
      () => breaker.cutOneWay(a, b),
      () => breaker.partition(a, b),
      () => breaker.killGuest(a, prng.pick(world.machine(a).host.copies())?.spec.name),
      () => breaker.losePower(a),
      // Rare: without its journal nobody can know much, and a run has little left to prove.
      () => prng.nextInt(3) === 0 && breaker.loseDisk(a),
      () => breaker.jumpClock(a),
      () => breaker.hangHypervisor(a),
      () => breaker.fillJournal(a),
      () => breaker.fillImages(a),
    ];
    prng.pick(faults)?.();
  }
}
