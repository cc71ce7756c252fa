import type { Prng } from "../../base/prng.ts";
import type { CheckedWorld } from "../checked-world.ts";
import type { SimFact } from "../sim-fact.ts";
import type { Breaker } from "./breaker.ts";
import { type MomentName, type MoveMoment, MoveMoments } from "./move-moment.ts";

/** Lies in wait for a moment of some move, and strikes within so many ms of it. */
interface Ambush {
  readonly at: readonly MomentName[];
  readonly withinMs: number;
  readonly strike: (move: MoveMoment) => void;
}

const voteAndAfter: readonly MomentName[] = ["whole", "sent", "held", "committed", "running"];
const anyMoment: readonly MomentName[] = [
  "granted",
  "transferring",
  "receiving",
  ...voteAndAfter,
  "aborted",
  "refused",
];

/** Faults that strike a move at a moment of its own, not at a time. */
export class Ambushes {
  readonly #world: CheckedWorld;
  readonly #breaker: Breaker;
  readonly #prng: Prng;
  readonly #moments = new MoveMoments();
  readonly #kinds: readonly Ambush[];
  #waiting: Ambush[] = [];
  #writesToStrike = 0;
  #over = false;

  /** `meddle` is what an operator does to a VM in the middle of its move. */
  constructor(options: {
    readonly world: CheckedWorld;
    readonly breaker: Breaker;
    readonly prng: Prng;
    readonly meddle: (move: MoveMoment) => void;
  }) {
    this.#world = options.world;
    this.#breaker = options.breaker;
    this.#prng = options.prng;
    this.#kinds = [...atBothEnds(this), ...onTheNetwork(this), ...atOneEnd(this)].concat([
      { at: anyMoment, withinMs: 200, strike: options.meddle },
    ]);
    options.world.onFact((fact) => this.#onFact(fact));
  }

  get breaker(): Breaker {
    return this.#breaker;
  }

  get even(): boolean {
    return this.#prng.nextShare() < 0.5;
  }

  /** Lays one ambush of a random kind. */
  lay(): void {
    const kind = this.#prng.nextInt(this.#kinds.length + 1);
    const ambush = this.#kinds[kind];
    if (ambush) this.#waiting.push(ambush);
    else this.#writesToStrike += 1;
  }

  end(): void {
    this.#over = true;
    this.#waiting = [];
    this.#writesToStrike = 0;
  }

  #onFact(fact: SimFact): void {
    if (this.#writesToStrike > 0 && fact.type === "stepped") this.#strikeWrite(fact);
    for (const move of this.#moments.of(fact)) {
      const ambush = this.#waiting.find(({ at }) => at.includes(move.name));
      // Every other chance is let pass: the next move, or moment, is as good.
      if (!ambush || this.even) continue;
      this.#waiting = this.#waiting.filter((other) => other !== ambush);
      const delayMs = this.even ? 0 : this.#prng.nextShare() * ambush.withinMs;
      // Not at once: the fact is told in the middle of somebody's step.
      this.#world.clock.after(delayMs, () => {
        if (!this.#over) ambush.strike(move);
      });
    }
  }

  #strikeWrite({ host, effects }: Extract<SimFact, { type: "stepped" }>): void {
    for (const effect of effects) {
      if (effect.type !== "persist") continue;
      const line = effect.entries.find(({ key }) => key.startsWith("move/"));
      if (!line || this.even) continue;
      this.#writesToStrike -= 1;
      this.#breaker.killAtWrite(host, line.key, line.value);
      return;
    }
  }
}

function atBothEnds(ambushes: Ambushes): readonly Ambush[] {
  const { breaker } = ambushes;
  const both = (strike: (one: string, other: string) => void): Ambush => ({
    at: anyMoment,
    withinMs: 20,
    strike: ({ source, target }) =>
      ambushes.even ? strike(source, target) : strike(target, source),
  });
  return [
    both((one, other) => breaker.killBoth(one, other, true)),
    both((one, other) => breaker.killBoth(one, other, false)),
    both((one, other) => breaker.losePowerOfBoth(one, other, true)),
    both((one, other) => breaker.losePowerOfBoth(one, other, false)),
  ];
}

/** The vote travels from target to source, the commit the other way. */
function onTheNetwork(ambushes: Ambushes): readonly Ambush[] {
  const { breaker } = ambushes;
  const vote = { at: ["held"], withinMs: 2 } as const;
  const commit = { at: ["committed"], withinMs: 2 } as const;
  return [
    { ...vote, strike: (m) => breaker.partition(m.source, m.target, "partition at the vote") },
    { ...commit, strike: (m) => breaker.partition(m.source, m.target, "partition at the commit") },
    {
      ...vote,
      strike: (m) => breaker.cutOneWay(m.target, m.source, "link cut one way at the vote"),
    },
    {
      ...commit,
      strike: (m) => breaker.cutOneWay(m.source, m.target, "link cut one way at the commit"),
    },
    { at: ["transferring", "receiving"], withinMs: 100, strike: () => breaker.stallStreams() },
  ];
}

function atOneEnd(ambushes: Ambushes): readonly Ambush[] {
  const { breaker } = ambushes;
  const oneEnd = (
    strike: (host: string, move: MoveMoment) => void,
    at: readonly MomentName[] = anyMoment,
    withinMs = 20,
  ): Ambush => ({
    at,
    withinMs,
    strike: (move) => strike(ambushes.even ? move.source : move.target, move),
  });
  return [
    {
      at: ["whole", "sent"],
      withinMs: 1,
      strike: ({ source }) => breaker.killAgent(source, "agent killed as its hypervisor finished"),
    },
    oneEnd((host) => breaker.hangThenKill(host), ["transferring", "receiving"], 600),
    oneEnd((host) => breaker.killAgent(host, "agent killed in a move")),
    oneEnd((host) => breaker.losePower(host, "power lost in a move")),
    oneEnd((host) => breaker.loseDisk(host, "disk lost in a move"), voteAndAfter),
    oneEnd((host) => breaker.hangHypervisor(host, "hypervisor hung in a move")),
    oneEnd((host) => breaker.fillJournal(host)),
    oneEnd((host, { vm }) => breaker.killGuest(host, vm, "guest killed in a move"), anyMoment, 400),
    oneEnd((host) => breaker.killChannels(host), ["receiving", "whole", "sent"], 400),
  ];
}
