import { readdirSync, readFileSync } from "node:fs";

/** Shorter than this the figures jump with every guest's work; longer they lag behind a move. */
const WINDOW_MS = 3_000;

interface Reading {
  readonly atMs: number;
  /** What each process used and waited for since it began, ns. */
  readonly demandNs: ReadonlyMap<number, number>;
}

/**
 * CPU demand (used and waited for) of some processes by the kernel's own counters: what the agents
 * say is checked against something that they have no part in.
 */
export class DemandMeter {
  readonly #readings: Reading[] = [];

  /** Demand over the last seconds, cores; null at the first reading. */
  read(pids: readonly number[], nowMs: number): number | null {
    const now = { atMs: nowMs, demandNs: new Map(pids.map((pid) => [pid, demandNsOf(pid)])) };
    this.#readings.push(now);
    while ((this.#readings[1]?.atMs ?? nowMs) <= nowMs - WINDOW_MS) this.#readings.shift();
    const [first] = this.#readings;
    if (first === undefined || first === now) return null;
    let sumNs = 0;
    for (const [pid, ns] of now.demandNs) {
      const earlier = this.#readings.find(({ demandNs }) => demandNs.has(pid));
      sumNs += Math.max(0, ns - (earlier?.demandNs.get(pid) ?? ns));
    }
    return sumNs / 1e6 / (nowMs - first.atMs);
  }
}

/** Run and wait time of all threads (Documentation/scheduler/sched-stats.rst); 0 once it ended. */
function demandNsOf(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/task`).reduce((sum, task) => {
      const words = readFileSync(`/proc/${pid}/task/${task}/schedstat`, "latin1").split(" ");
      return sum + Number(words[0]) + Number(words[1]);
    }, 0);
  } catch {
    return 0;
  }
}
