import type { Prng } from "../../base/prng.ts";
import type { HostId, VmName } from "../../model/ids.ts";
import type { Verb } from "../../model/verb.ts";
import type { CheckedWorld } from "../checked-world.ts";
import type { SimFact } from "../sim-fact.ts";
import type { Breaker } from "./breaker.ts";
import type { FaultTally } from "./fault-tally.ts";
import type { MoveMoment } from "./move-moment.ts";

/** An operator looks at a VM in doubt at most this much later, ms. */
const lookMsMax = 10_000;
/** How long a cluster stays on hold, ms. */
const holdMsMax = 15_000;

export interface OperatorOptions {
  readonly world: CheckedWorld;
  readonly breaker: Breaker;
  readonly prng: Prng;
  readonly tally: FaultTally;
  readonly vms: readonly VmName[];
}

/**
 * An operator at work: verbs that make sense or do not, at any host and at any time, and a way out
 * of doubt that is the truth: the other host is switched off before the word is given.
 */
export class Operator {
  readonly #world: CheckedWorld;
  readonly #breaker: Breaker;
  readonly #prng: Prng;
  readonly #tally: FaultTally;
  readonly #vms: readonly VmName[];
  #working = true;

  constructor({ world, breaker, prng, tally, vms }: OperatorOptions) {
    this.#world = world;
    this.#breaker = breaker;
    this.#prng = prng;
    this.#tally = tally;
    this.#vms = vms;
    world.onFact((fact) => this.#onFact(fact));
  }

  /** Gives no more orders of its own accord. */
  rest(): void {
    this.#working = false;
  }

  act(): void {
    const vm = this.#prng.pick(this.#vms);
    const [asked, target] = this.#prng.sample(this.#world.hosts, 2);
    if (!vm || !asked || !target) return;
    const verbs: readonly Verb[] = [
      { verb: "migrate", vm, target },
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
      { verb: "mode", mode: "hold" },
    ];
    const verb = this.#prng.pick(verbs);
    if (!verb) return;
    this.#ask(asked, verb);
    if (verb.verb !== "mode") return;
    this.#world.clock.after(this.#prng.nextShare() * holdMsMax, () => {
      if (this.#working) this.#ask(asked, { verb: "mode", mode: "act" });
    });
  }

  /** What nobody should do to a VM that is on its way. */
  meddle({ vm, source, target }: MoveMoment): void {
    const asked = this.#prng.pick([source, target, this.#prng.pick(this.#world.hosts) ?? source]);
    const verbs: readonly Verb[] = [
      { verb: "stop", vm, force: true },
      { verb: "undefine", vm },
      { verb: "suspend", vm },
      { verb: "cancel", vm },
      { verb: "start", vm },
      { verb: "migrate", vm, target: source },
    ];
    const verb = this.#prng.pick(verbs);
    if (!verb || !asked) return;
    this.#tally.add("verb in the middle of a move");
    this.#ask(asked, verb);
  }

  #ask(host: HostId, verb: Verb): void {
    if (!this.#world.agent(host)) return;
    this.#tally.add(`verb ${verb.verb}`);
    this.#world.ask(host, verb);
  }

  #onFact(fact: SimFact): void {
    if (fact.type !== "stepped" || !this.#working) return;
    for (const effect of fact.effects) {
      if (effect.type !== "notice" || effect.notice.code !== "in-doubt") continue;
      const { vm, host: name } = effect.notice.facts;
      const peer = this.#world.machines.find((machine) => machine.name === name)?.id;
      if (typeof vm !== "string" || !peer || this.#prng.nextShare() < 0.5) continue;
      const inMs = this.#prng.nextShare() * lookMsMax;
      this.#world.clock.after(inMs, () => this.#resolve(fact.host, vm, peer));
    }
  }

  /** An agent that hangs would hear the word only when the fenced host is on again. */
  #resolve(host: HostId, vm: VmName, peer: HostId): void {
    const inDoubt = this.#world.snapshotOf(host)?.moves.some((move) => {
      return move.vm === vm && move.inDoubt && move.peer === peer;
    });
    if (!this.#working || !inDoubt || this.#world.agent(host)?.paused !== false) return;
    this.#breaker.fence(peer);
    this.#ask(host, { verb: "resolve", vm, decision: "run-here", fenced: peer });
  }
}
