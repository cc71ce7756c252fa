/**
 * Never two, never lost, with real agents: each phase of a move struck by each fault, then mended.
 * Guests are simulated, so that their copies can be watched from outside every few milliseconds;
 * agents, journals, channels, links, signals are real. The table says where the VM ends, and why;
 * move-phases.ts says how each phase is held open for the blow.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type CellEnd,
  type MoveFault,
  type MovePhase,
  moveFaults,
  movePhases,
} from "#lib/simulation/move-cell.ts";
import type { VmAnswer } from "../support/agent-api.ts";
import type { AgentHost } from "../support/agent-host.ts";
import { advances, CopyWatch, readCopy } from "../support/copy-watch.ts";
import { eventually } from "../support/eventually.ts";
import { showLogs } from "../support/fleet-in-test.ts";
import { moveFaultTable } from "../support/move-fault-table.ts";
import { MoveLane } from "../support/move-lane.ts";
import { holdInPhase, MissedPhaseError } from "../support/move-phases.ts";
import { strike } from "../support/move-strikes.ts";
import { canMakeNamespaces } from "../support/network-namespaces.ts";

/**
 * Where a phase is held from outside, chance decides less than in the simulator: the transfer is
 * under way for sure, and a source that is paused longer than a grant holds finds it lapsed.
 */
const surer: Readonly<Record<string, readonly CellEnd[]>> = {
  "granted source agent paused": ["source"],
  "receiving target guest killed": ["source"],
  "receiving channel killed": ["source"],
};

const table = moveFaultTable.map(
  ([phase, fault, ends, why]) => [phase, fault, surer[`${phase} ${fault}`] ?? ends, why] as const,
);

/** Cells that run side by side, each between two agents of its own. */
const LANES = 4;
const TRIES = 4;
const SETTLE_MS_MAX = 60_000;
/** What an end may need to find out after it can: its longest wait between questions, twice. */
const FROZEN_SLACK_MS = 10_000;
const CELL_MS_MAX = 180_000;

const idle: MoveLane[] = [];
const waiting: ((lane: MoveLane) => void)[] = [];

async function takeLane(): Promise<MoveLane> {
  return idle.pop() ?? new Promise((resolve) => waiting.push(resolve));
}

function giveLane(lane: MoveLane): void {
  const next = waiting.shift();
  if (next) next(lane);
  else idle.push(lane);
}

/** What one agent says of a VM. */
async function viewOf(host: AgentHost, vm: string) {
  const [vms, { moves }] = await Promise.all([host.api.vms(), host.api.status()]);
  const seen = vms.find(({ name }) => name === vm);
  const move = moves.find((one) => one.vm === vm);
  const rests = move === undefined && seen?.moveId === null;
  const shownMove = move ? `${move.role} ${move.phase}` : (seen?.moveId ?? "rests");
  const place = `${seen?.host} ${seen?.state} ${seen?.version}`;
  return { rests, seen, place, words: `${host.name} says: ${place}, ${shownMove}` };
}

/** Where the VM is once both agents rest and say the same of it. */
async function settledEnd({ source, target }: MoveLane, vm: string): Promise<CellEnd> {
  let owner: VmAnswer | undefined;
  const holds = async () => {
    const [first, second] = await Promise.all([viewOf(source, vm), viewOf(target, vm)]);
    owner = first.seen;
    const known = first.place === second.place && /^n\d (running|lost) /.test(first.place);
    if (first.rests && second.rests && known) return true;
    throw new Error(`${first.words}; ${second.words}`);
  };
  await eventually(`agreement on ${vm}`, holds, { limitMs: SETTLE_MS_MAX, pollMs: 100 });
  const ownerHost = owner?.host === source.name ? source : target;
  const copies = [source, target].filter((host) => readCopy(host, vm) !== null);
  if (owner?.state === "lost") {
    const { alarms } = await ownerHost.api.status();
    const told = alarms.some(({ code, message }) => code === "lost" && message.includes(vm));
    expect(told, "the loss is told by an alarm").toBe(true);
    expect(copies).toEqual([]);
    return "nowhere";
  }
  expect(copies.map(({ name }) => name)).toEqual([ownerHost.name]);
  expect(advances(readCopy(ownerHost, vm))).toBe(true);
  return ownerHost === source ? "source" : "target";
}

async function runCell(lane: MoveLane, phase: MovePhase, fault: MoveFault) {
  const vm = await lane.takeVm();
  const watch = new CopyWatch(lane.fleet.hosts, vm);
  try {
    const hold = await holdInPhase(lane, vm, phase);
    const struckAtMs = performance.now();
    await strike(lane, { fault, vm, hold });
    const brokenMs = performance.now() - struckAtMs;
    await lane.fleet.joined(SETTLE_MS_MAX);
    const end = await settledEnd(lane, vm);
    return { end, faults: watch.faults, frozenMs: watch.frozenMsMax, brokenMs };
  } finally {
    watch.stop();
  }
}

/** A missed phase leaves a finished move behind; the next VM is tried. */
async function runUntilHit(lane: MoveLane, phase: MovePhase, fault: MoveFault) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await runCell(lane, phase, fault);
    } catch (error) {
      if (!(error instanceof MissedPhaseError) || attempt === TRIES) throw error;
      // An end that was held for long may count as dead: nobody moves a VM there.
      await lane.fleet.joined(SETTLE_MS_MAX);
    }
  }
}

describe.skipIf(!canMakeNamespaces())("a move between real agents", () => {
  beforeAll(async () => {
    const lanes = Array.from({ length: LANES }, () => new MoveLane());
    idle.push(...lanes);
    await Promise.all(lanes.map((lane) => lane.start()));
  });

  afterAll(() => Promise.all(idle.map((lane) => lane.close())));

  it("has an expected result for each phase and fault", () => {
    const named = new Set(table.map(([phase, fault]) => `${phase} ${fault}`));
    expect(named.size).toBe(movePhases.length * moveFaults.length);
    expect(table).toHaveLength(named.size);
  });

  it.concurrent.each(table)(
    "when %s and its %s, ends at %j: %s",
    { timeout: CELL_MS_MAX },
    async (phase, fault, ends) => {
      const lane = await takeLane();
      try {
        const cell = await runUntilHit(lane, phase, fault);
        const figures = `frozen ${Math.round(cell.frozenMs)} ms, broken ${Math.round(cell.brokenMs)} ms`;
        console.log(`${phase} x ${fault}: ${cell.end}, ${figures}`);
        expect(cell.faults).toEqual([]);
        expect(ends).toContain(cell.end);
        if (cell.end !== "nowhere") {
          expect(cell.frozenMs).toBeLessThan(cell.brokenMs + FROZEN_SLACK_MS);
        }
        giveLane(lane);
      } catch (error) {
        showLogs(lane.fleet);
        // What went wrong here must not befall the next cell.
        await lane.close();
        giveLane(await new MoveLane().start());
        throw error;
      }
    },
  );
});
