import { AssertionError } from "../base/assert.ts";
import type { Snapshot } from "../core/snapshot.ts";
import type { TransferLimits } from "../model/host-op.ts";
import type { HostId } from "../model/ids.ts";
import type { Checker } from "./checkers/checker.ts";
import { Convergence } from "./checkers/convergence.ts";
import { FrozenBound } from "./checkers/frozen-bound.ts";
import { GuestContinuity } from "./checkers/guest-continuity.ts";
import { MemoryAtGrant } from "./checkers/memory-at-grant.ts";
import { NeverLost } from "./checkers/never-lost.ts";
import { OneOwner } from "./checkers/one-owner.ts";
import { RisingVersions } from "./checkers/rising-versions.ts";
import { RulesHold } from "./checkers/rules-hold.ts";
import { ServiceBounds } from "./checkers/service-bounds.ts";
import { ServiceRules } from "./checkers/service-rules.ts";
import { ServiceSwitches } from "./checkers/service-switches.ts";
import { TwoRunning } from "./checkers/two-running.ts";
import type { SimFact } from "./sim-fact.ts";
import { SimWorld, type SimWorldOptions } from "./sim-world.ts";
import { SimulationFailure } from "./simulation-failure.ts";

/** A vote, one question of the longest pause and its answer, and a reconnection, ms. */
const frozenMsMax = 12_000;

/** How often it is looked whether all has settled, ms. */
const lookMs = 250;

/** What has settled must stay so for this long, ms. */
const calmMs = 1_500;

/** All checkers, fresh, for one world. */
function allCheckers(world: CheckedWorld, hasServices: boolean): readonly Checker[] {
  return [
    new TwoRunning(),
    new GuestContinuity(),
    new NeverLost(),
    new OneOwner(),
    // A hypervisor that refuses to run its guest keeps it frozen as a silent end does.
    new FrozenBound((a, b) => world.canTalk(a, b) && world.obeys(a) && world.obeys(b), frozenMsMax),
    new MemoryAtGrant((host) => world.machine(host)),
    new RulesHold((host) => world.machine(host)),
    new RisingVersions(),
    ...(hasServices ? serviceCheckers(world) : []),
    new Convergence(),
  ];
}

function serviceCheckers(world: CheckedWorld): readonly Checker[] {
  return [new ServiceRules(world), new ServiceBounds(world), new ServiceSwitches(world)];
}

export interface CheckedWorldOptions extends SimWorldOptions {
  /** Scenario name for the line that replays a failure. */
  readonly scenario: string;
  /** The options that replay the run, where seed and scenario are not all of them. */
  readonly replay?: string;
  /** False while a host's hypervisors take no orders; always true by default. */
  readonly obeys?: (host: HostId) => boolean;
}

/** A stream that makes no headway anybody would see, bytes a second. */
const stalledBytesPerSecond = 0.001;

/** A world whose every fact is judged at once: the first violation throws SimulationFailure. */
export class CheckedWorld extends SimWorld {
  readonly #checkers: readonly Checker[];
  readonly #audience = new Map<SimFact["type"], readonly Checker[]>();
  readonly #replay: string;
  #looks: Map<HostId, Snapshot | undefined> | undefined;
  readonly #obeys: (host: HostId) => boolean;
  /** True: migration streams that begin now make no headway. */
  stalled = false;

  constructor(options: CheckedWorldOptions) {
    super(options);
    const { seed, scenario, replay = `--seed ${seed} --scenario ${scenario}` } = options;
    this.#replay = `npm run -s sim -- ${replay}`;
    this.#obeys = options.obeys ?? (() => true);
    this.#checkers = allCheckers(this, options.hostingOf !== undefined);
    for (const checker of this.#checkers) {
      for (const type of checker.facts) {
        this.#audience.set(type, [...(this.#audience.get(type) ?? []), checker]);
      }
    }
    this.onFact((fact, nowMs) => {
      for (const checker of this.#audience.get(fact.type) ?? []) {
        const objection = checker.observe(fact, nowMs);
        if (objection !== undefined) this.fail(checker.name, objection);
      }
    });
  }

  get checkerNames(): readonly string[] {
    return this.#checkers.map((checker) => checker.name);
  }

  /** True while the host's hypervisors do as they are told. */
  obeys(host: HostId): boolean {
    return this.orderFailureShare === 0 && this.#obeys(host);
  }

  override bandwidthOf(limits: TransferLimits): number {
    return this.stalled ? stalledBytesPerSecond : super.bandwidthOf(limits);
  }

  override healAll(): void {
    this.stalled = false;
    super.healAll();
  }

  /** Runs a part of a scenario: an assertion that fails in an agent is a violation, too. */
  guarded<Result>(run: () => Result): Result {
    try {
      return run();
    } catch (error) {
      if (!(error instanceof AssertionError)) throw error;
      this.fail("agent", error.message);
    }
  }

  /** Heals everything and waits until all is well and stays so; fails the run after `limitMs`. */
  settle(limitMs: number): void {
    this.healAll();
    this.settleOn(this.checkerNames, limitMs);
  }

  /** Waits until these checkers have no objection for a while, and heals nothing. */
  settleOn(names: readonly string[], limitMs: number): void {
    const checkers = this.#checkers.filter(({ name }) => names.includes(name));
    // Agreement is dear to compute: look now and then, not after each event.
    const endMs = this.clock.nowMs + limitMs;
    let calmSinceMs = this.clock.nowMs;
    let unsettled = this.#unsettled(checkers);
    while (unsettled !== undefined || this.clock.nowMs - calmSinceMs < calmMs) {
      if (unsettled !== undefined) calmSinceMs = this.clock.nowMs;
      if (unsettled !== undefined && this.clock.nowMs >= endMs) {
        this.fail(unsettled.checker, unsettled.objection);
      }
      this.runFor(lookMs);
      unsettled = this.#unsettled(checkers);
    }
  }

  /** While the checkers look at one moment, each agent is asked once at most. */
  override snapshotOf(host: HostId): Snapshot | undefined {
    if (!this.#looks) return super.snapshotOf(host);
    if (!this.#looks.has(host)) this.#looks.set(host, super.snapshotOf(host));
    return this.#looks.get(host);
  }

  #unsettled(checkers: readonly Checker[]): { checker: string; objection: string } | undefined {
    this.#looks = new Map();
    try {
      for (const checker of checkers) {
        const objection = checker.settled(this);
        if (objection !== undefined) return { checker: checker.name, objection };
      }
      return undefined;
    } finally {
      this.#looks = undefined;
    }
  }

  /** Ends the run with one line that names the violation and replays it. */
  fail(checker: string, objection: string): never {
    const atMs = this.clock.nowMs.toFixed(1);
    throw new SimulationFailure(`${checker}: ${objection}, at ${atMs} ms; replay: ${this.#replay}`);
  }
}
