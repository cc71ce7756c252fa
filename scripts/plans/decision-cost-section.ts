import { median } from "#lib/base/stats.ts";
import { Balancer } from "#lib/core/balancer.ts";
import { runBalance } from "#lib/simulation/balance-run.ts";
import { type Section, verdictOf } from "./section.ts";
import { sameMake } from "./shapes.ts";

const SECONDS = 60;
/** Medians of one code on one machine; more than this is no accident. */
const RATIO_MAX = 1.25;
const MICROSECONDS_PER_MS = 1000;

/** Durations of single calls, µs. */
interface Costs {
  readonly rounds: number[];
  readonly samples: number[];
}

export const decisionCost: Section = {
  name: "cost",
  title: "What a decision costs one host, median µs",
  notes: [
    `Round = looking at the sampled hosts and choosing a move; sample = telling after each second's load whether there is a reason to look. Clusters of the files' make, ${SECONDS} s from cold, on this machine, warm.`,
    "Others, for a whole plan on 20 / 100 / 1000 hosts, CPU s: hbal 3.2 / about 1400 / 1.6 h a step · ProxLB 2.2 .02 / .18 / 15 · XO .01 / .08 / 2.0.",
  ],
  *run({ isQuick, say }) {
    // The first run warms the code up; its figures are not used.
    costsOf(50);
    const small = costsOf(100);
    yield {
      what: "100 hosts",
      reach: "-",
      ours: text(small),
      central: "-",
      verdict: "",
      figures: figuresOf(small),
    };
    const hosts = isQuick ? 300 : 1000;
    say(`decisions of ${hosts} hosts`);
    const large = costsOf(hosts);
    const ratio = median(large.rounds) / median(small.rounds);
    yield {
      what: `${hosts} hosts`,
      reach: `a round <= ${RATIO_MAX} x that of 100 hosts`,
      ours: `${text(large)} (${ratio.toFixed(2)} x)`,
      central: "-",
      verdict: verdictOf(ratio <= RATIO_MAX),
      figures: { ...figuresOf(large), ratio },
    };
  },
};

/** Times every call of the balancers of a run, from outside. */
function costsOf(hosts: number): Costs {
  const costs: Costs = { rounds: [], samples: [] };
  const { timeout, loadSampled } = Balancer.prototype;
  Balancer.prototype.timeout = function timed(this: Balancer, nowMs) {
    const { rounds } = this.counters;
    const startedMs = performance.now();
    timeout.call(this, nowMs);
    const tookMs = performance.now() - startedMs;
    if (this.counters.rounds > rounds) costs.rounds.push(tookMs * MICROSECONDS_PER_MS);
  };
  Balancer.prototype.loadSampled = function timed(this: Balancer, nowMs) {
    const startedMs = performance.now();
    loadSampled.call(this, nowMs);
    costs.samples.push((performance.now() - startedMs) * MICROSECONDS_PER_MS);
  };
  try {
    runBalance({ model: sameMake({ hosts, seed: 1 }), seed: 1, seconds: SECONDS, check: false });
  } finally {
    Object.assign(Balancer.prototype, { timeout, loadSampled });
  }
  return costs;
}

function text({ rounds, samples }: Costs): string {
  return `round ${median(rounds).toFixed(0)}, sample ${median(samples).toFixed(0)}`;
}

function figuresOf({ rounds, samples }: Costs) {
  return {
    roundMicroseconds: median(rounds),
    sampleMicroseconds: median(samples),
    rounds: rounds.length,
  };
}
