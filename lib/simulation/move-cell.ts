import type { HostId, MoveId } from "../model/ids.ts";
import type { CheckedWorld } from "./checked-world.ts";
import { MoveMoments } from "./faults/move-moment.ts";
import { roughNetwork } from "./network-options.ts";
import { addVm, joinedWorld, simVmSpec, smallHost } from "./sim-cluster.ts";
import type { SimFact } from "./sim-fact.ts";
import type { SimNodeMaker } from "./sim-node.ts";
import { ConstantWorkload } from "./workload.ts";

/** The phases of a move, as its journals and messages show them. */
export const movePhases = ["granted", "receiving", "held", "committed", "running"] as const;
export type MovePhase = (typeof movePhases)[number];

/** What befalls a move. */
export const moveFaults = [
  "source agent killed",
  "target agent killed",
  "source guest killed",
  "target guest killed",
  "channel killed",
  "source agent paused",
  "target agent paused",
  "link cut",
  "both agents killed",
] as const;
export type MoveFault = (typeof moveFaults)[number];

/** Where the VM runs in the end; `nowhere` is allowed only where its only copy was killed. */
export type CellEnd = "source" | "target" | "nowhere";

export interface MoveCell {
  readonly phase: MovePhase;
  readonly fault: MoveFault;
  readonly seed: number;
  readonly makeNode: SimNodeMaker;
}

/** The fault strikes at most this long after the phase began, ms, and before the next one does. */
const windowMs: Readonly<Record<MovePhase, number>> = {
  granted: 4,
  receiving: 620,
  held: 4,
  committed: 4,
  running: 8,
};
/** What is broken stays so for between a moment and this long, ms. */
const brokenMsMax = 25_000;
const settleMsMax = 60_000;
const retryMs = 500;
const triesMax = 40;
const vm = "web";

/** Name of a cell's scenario, for the line that replays it. */
function cellScenario(phase: MovePhase, fault: MoveFault): string {
  return `"${phase} x ${fault}"`;
}

/** The cell that a scenario's name means; undefined for another scenario. */
export function readCellScenario(name: string): Pick<MoveCell, "phase" | "fault"> | undefined {
  const [first, second] = name.split(" x ");
  const phase = movePhases.find((one) => one === first);
  const fault = moveFaults.find((one) => one === second);
  return phase && fault ? { phase, fault } : undefined;
}

/**
 * Moves one VM from the first of three hosts to the second, lets the fault strike in the phase,
 * heals it after a while, and tells where the VM runs then. Throws SimulationFailure when anything
 * that must hold did not. Every other seed has a rough network.
 */
export function runMoveCell(cell: MoveCell, watch?: (world: CheckedWorld) => void): CellEnd {
  const { phase, fault, seed, makeNode } = cell;
  const world = joinedWorld({
    seed,
    scenario: cellScenario(phase, fault),
    makeNode,
    hosts: [smallHost, smallHost, smallHost],
    workload: new ConstantWorkload({ cpuCores: 0.05 }),
    ...(seed % 2 === 0 ? { network: roughNetwork } : {}),
  });
  watch?.(world);
  const [source, target] = world.hosts as [HostId, HostId];
  addVm(world, source, simVmSpec(vm));
  const strike = new Strike(world, { source, target }, cell);
  // Refused for as long as the two know too little of each other and of the VM.
  for (let tries = 0; tries < triesMax && !strike.struck; tries += 1) {
    const reply = world.ask(source, { verb: "migrate", vm, target });
    const replied = () => reply() !== undefined;
    world.runUntil(() => strike.struck || replied(), settleMsMax);
    if (reply()?.status === 202) world.runUntil(() => strike.struck, settleMsMax);
    else if (!strike.struck) world.runFor(retryMs);
  }
  if (!strike.struck) world.fail("scenario", `the move never came to ${phase}`);
  world.runUntil(() => strike.mended, brokenMsMax);
  world.settle(settleMsMax);
  const running = world.machines.find((machine) => machine.host.copy(vm)?.sinceMs != null);
  if (!running) return "nowhere";
  return running.id === source ? "source" : "target";
}

/** Waits for the phase, then lets the fault strike and, later, end. */
class Strike {
  readonly #world: CheckedWorld;
  readonly #ends: { readonly source: HostId; readonly target: HostId };
  readonly #cell: MoveCell;
  readonly #moments = new MoveMoments();
  #moveId: MoveId | undefined;
  #broken = 0;
  struck = false;

  constructor(
    world: CheckedWorld,
    ends: { readonly source: HostId; readonly target: HostId },
    cell: MoveCell,
  ) {
    this.#world = world;
    this.#ends = ends;
    this.#cell = cell;
    world.onFact((fact) => this.#onFact(fact));
  }

  /** True once nothing is broken any more. */
  get mended(): boolean {
    return this.struck && this.#broken === 0;
  }

  #onFact(fact: SimFact): void {
    if (this.struck) return;
    for (const { name, moveId } of this.#moments.of(fact)) {
      const begun = (movePhases as readonly string[]).indexOf(name);
      if (begun >= 0) this.#onBegun(begun, moveId);
    }
  }

  #onBegun(now: number, moveId: MoveId): void {
    this.#moveId = moveId;
    const wanted = movePhases.indexOf(this.#cell.phase);
    const { clock, prng } = this.#world;
    const delayMs = prng.nextShare() * windowMs[this.#cell.phase];
    // Not at once: the fact is told in the middle of somebody's step.
    if (now === wanted) clock.after(delayMs, () => this.#strike());
    else if (now > wanted) clock.after(0, () => this.#strike());
  }

  #strike(): void {
    if (this.struck) return;
    this.struck = true;
    const { source, target } = this.#ends;
    const world = this.#world;
    const kill = (host: HostId) => {
      world.killAgent(host);
      this.#later(() => world.startAgent(host));
    };
    const pause = (host: HostId) => {
      world.pauseAgent(host);
      this.#later(() => world.continueAgent(host));
    };
    const acts: Readonly<Record<MoveFault, () => void>> = {
      "source agent killed": () => kill(source),
      "target agent killed": () => kill(target),
      "source guest killed": () => world.killGuest(source, vm),
      "target guest killed": () => world.killGuest(target, vm),
      "channel killed": () => this.#killChannel(),
      "source agent paused": () => pause(source),
      "target agent paused": () => pause(target),
      "link cut": () => {
        world.links.cut(source, target);
        this.#later(() => world.links.heal(source, target));
      },
      "both agents killed": () => {
        kill(source);
        kill(target);
      },
    };
    acts[this.#cell.fault]();
  }

  #killChannel(): void {
    const end = this.#world.prng.nextShare() < 0.5 ? this.#ends.source : this.#ends.target;
    if (this.#moveId) this.#world.killChannel(this.#moveId, end);
  }

  /** Half of the faults end within two seconds: healing in the middle is the harder case. */
  #later(mend: () => void): void {
    const { clock, prng } = this.#world;
    const longest = prng.nextShare() < 0.5 ? 2_000 : brokenMsMax;
    this.#broken += 1;
    clock.after(prng.nextShare() * longest, () => {
      this.#broken -= 1;
      mend();
    });
  }
}
