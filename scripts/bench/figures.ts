import { median } from "#lib/base/stats.ts";

export interface Spread {
  readonly median: number;
  readonly max: number;
}

/** What is measured of a cluster of agents, evenkeel's or another's; null: it cannot be had. */
export interface ClusterFigures {
  readonly members: number;
  readonly seconds: number;
  /** CPU of one agent, per cent of a core. */
  readonly cpuPercent: Spread;
  readonly rssMb: Spread;
  /** Sent to members, bytes a second of one agent. */
  readonly sentBytesPerSecond: Spread | null;
  /** Age of the news about each other host, s, over all pairs. */
  readonly newsAgeSeconds: Spread | null;
  /** From a change at one host until every other shows it, s, over the tries. */
  readonly newsEverywhereSeconds: Spread | null;
  /** From kill -9 of one until no other holds it to be alive, s. */
  readonly killDoubtedSeconds: number | null;
  /** From kill -9 of one until every other holds it to be dead, s. */
  readonly killKnownSeconds: number | null;
  /** Times that a living member was suspected or declared dead, over the window. */
  readonly falseSuspicions: number | null;
  readonly falseDeaths: number | null;
}

export function spreadOf(values: readonly number[]): Spread {
  if (values.length === 0) throw new RangeError("there is nothing to take the median of");
  return { median: rounded(median(values)), max: rounded(Math.max(...values)) };
}

/** Three digits behind the point: more would pretend. */
export function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
