import { AgentFleet } from "./agent-fleet.ts";
import type { FaultGuests } from "./fault-guests.ts";
import { type CellOutcome, MoveFaultBench } from "./move-fault-bench.ts";
import type { MoveFaultRow } from "./move-fault-table.ts";

/** Of the time that a VM may stand still after the ends can talk again: restarts, on a busy machine. */
const FROZEN_MS_MAX = 15_000;

const LOG_TAIL_LENGTH = 6_000;

export interface CellVerdict {
  readonly row: MoveFaultRow;
  /** Undefined when the trial itself failed; then `faults` says how. */
  readonly outcome: CellOutcome | undefined;
  /** Empty when all that must hold held. */
  readonly faults: readonly string[];
}

/** Runs cells one after the other on one fleet of two real agents, and on a new one after a failure. */
export class MoveFaultRunner {
  readonly #guests: FaultGuests;
  readonly #brokenMs: number;
  #fleet: AgentFleet | undefined;
  #cells = 0;
  /** The VM of the next cell boots while this one is tried. */
  #next: string | undefined;

  constructor(options: { guests: FaultGuests; brokenMs: number }) {
    this.#guests = options.guests;
    this.#brokenMs = options.brokenMs;
  }

  /** `failed` gets what the agents said last, before the fleet is removed. */
  async run(row: MoveFaultRow, failed?: (logs: string) => void): Promise<CellVerdict> {
    const [phase, fault, ends] = row;
    const fleet = await this.#freshFleet();
    const bench = new MoveFaultBench(fleet, this.#guests);
    const vm = this.#next ?? (await this.#start(bench));
    this.#next = await this.#start(bench);
    let outcome: CellOutcome | undefined;
    const faults: string[] = [];
    try {
      outcome = await bench.run({ phase, fault, vm, brokenMs: this.#brokenMs });
      faults.push(...outcome.faults);
      if (!ends.includes(outcome.end)) faults.push(`ended ${outcome.end}, not ${ends.join("|")}`);
      if (outcome.end !== "nowhere" && outcome.frozenMs > outcome.apartMs + FROZEN_MS_MAX) {
        faults.push(`frozen for ${Math.round(outcome.frozenMs)} ms`);
      }
    } catch (error) {
      faults.push(wordsOf(error));
    }
    if (faults.length === 0) await bench.remove(vm);
    else {
      failed?.(logsOf(fleet));
      await this.close();
    }
    return { row, outcome, faults };
  }

  async #start(bench: MoveFaultBench): Promise<string> {
    this.#cells += 1;
    const vm = `cell-${this.#cells}`;
    await bench.start(vm);
    return vm;
  }

  async close(): Promise<void> {
    await this.#fleet?.close();
    this.#next = undefined;
    this.#fleet = undefined;
  }

  async #freshFleet(): Promise<AgentFleet> {
    if (this.#fleet) return this.#fleet;
    const fleet = new AgentFleet({
      count: 2,
      network: "namespaces",
      settings: this.#guests.settings,
    });
    this.#fleet = fleet;
    await fleet.startAll();
    await fleet.joined();
    return fleet;
  }
}

function logsOf(fleet: AgentFleet): string {
  return fleet.hosts
    .map((host) => `--- ${host.name} ---\n${host.log().slice(-LOG_TAIL_LENGTH)}`)
    .join("\n");
}

function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? "" : `: ${wordsOf(error.cause)}`;
  return `${error.message}${cause}`;
}
