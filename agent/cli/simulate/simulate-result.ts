import type { BalanceResult } from "#lib/simulation/balance-run.ts";

/** What came of a run, and what the process itself took for it. */
export interface SimulateResult extends BalanceResult {
  readonly cpuSeconds: number;
  readonly peakRssBytes: number;
}
