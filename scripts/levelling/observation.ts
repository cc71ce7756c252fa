import type { MoveAnswer, OutcomeAnswer, StatusAnswer, VmAnswer } from "#agent/cli/answers.ts";
import { populationSd } from "#lib/base/stats.ts";
import type { AgentFleet } from "../../test/support/agent-fleet.ts";
import { DemandMeter } from "./demand-meter.ts";

/** One host as its own agent sees it. */
export interface HostObservation {
  readonly name: string;
  /** Measured demand of its guests as a share of its capacity; null while not known. */
  readonly cpuShare: number | null;
  readonly guests: readonly VmAnswer[];
}

/** The whole fleet at one moment, asked of every agent about itself. */
export interface Observation {
  /** Monotonic, ms. */
  readonly atMs: number;
  readonly hosts: readonly HostObservation[];
  /** Population standard deviation of the hosts' measured shares; null while one is not known. */
  readonly cpuSd: number | null;
  readonly movesUnderWay: readonly MoveAnswer[];
  /** All moves that ended, oldest first. */
  readonly outcomes: readonly OutcomeAnswer[];
}

/** Looks at a fleet again and again. */
export class Observer {
  readonly #fleet: AgentFleet;
  readonly #capacityCores: number;
  readonly #meters: ReadonlyMap<string, DemandMeter>;

  /** `capacityCores`: what each host has by its configuration. */
  constructor(fleet: AgentFleet, capacityCores: number) {
    this.#fleet = fleet;
    this.#capacityCores = capacityCores;
    this.#meters = new Map(fleet.hosts.map(({ name }) => [name, new DemandMeter()]));
  }

  async look(): Promise<Observation> {
    const looks = await Promise.all(
      this.#fleet.hosts.map(async ({ name, api }) => ({
        name,
        status: await api.get<StatusAnswer>("/v1/status"),
        guests: await api.get<{ vms: readonly VmAnswer[] }>("/v1/vms"),
        past: await api.get<{ history: readonly OutcomeAnswer[] }>("/v1/history"),
      })),
    );
    const shares = this.#realShares();
    const hosts = looks.map(({ name, status, guests }): HostObservation => {
      const own = status.members.find((member) => member.self);
      return {
        name,
        cpuShare: shares?.get(name) ?? own?.measuredCpuShare ?? null,
        guests: guests.vms.filter((vm) => vm.host === name),
      };
    });
    return {
      atMs: performance.now(),
      hosts,
      cpuSd: sdOf(hosts),
      movesUnderWay: looks.flatMap(({ status }) =>
        status.moves.filter((move) => move.role === "source"),
      ),
      outcomes: mergedOutcomes(looks.map(({ past }) => past.history)),
    };
  }

  /** By the kernel's counters of the guests' processes; undefined when guests are simulated. */
  #realShares(): ReadonlyMap<string, number | null> | undefined {
    const nowMs = performance.now();
    const pids = this.#fleet.hosts.map((host) => host.guests().map(({ pid }) => pid));
    if (pids.flat().length === 0) return undefined;
    const shares = this.#fleet.hosts.map(({ name }, index): [string, number | null] => {
      const cores = this.#meters.get(name)?.read(pids[index] ?? [], nowMs) ?? null;
      return [name, cores === null ? null : cores / this.#capacityCores];
    });
    return new Map(shares);
  }
}

function sdOf(hosts: readonly HostObservation[]): number | null {
  const shares = hosts.map(({ cpuShare }) => cpuShare).filter((share) => share !== null);
  return shares.length === hosts.length ? populationSd(shares) : null;
}

/** Both ends keep a move's outcome; the source's has the downtime. */
function mergedOutcomes(lists: readonly (readonly OutcomeAnswer[])[]): readonly OutcomeAnswer[] {
  const byId = new Map<string, OutcomeAnswer>();
  for (const outcome of lists.flat()) {
    const known = byId.get(outcome.moveId);
    if (known === undefined || known.downtimeMs === null) byId.set(outcome.moveId, outcome);
  }
  return [...byId.values()].sort((a, b) => a.endedAtMs - b.endedAtMs);
}
