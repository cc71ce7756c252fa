/**
 * Never two, never lost, with real guests: some cells of the table of phases and faults. The whole
 * table is `npm run -s faults`; with simulated guests it is move-faults.test.ts.
 */
import { afterAll, describe, expect, it } from "vitest";
import { MoveFaultRunner } from "../support/move-fault-runner.ts";
import { type MoveFaultRow, moveFaultTable } from "../support/move-fault-table.ts";
import { canMakeNamespaces } from "../support/network-namespaces.ts";
import { QemuGuests } from "../support/qemu-guests.ts";

/** Each phase, and each fault at least once: those in which an end must find out what became of it. */
const CELLS: readonly string[] = [
  "granted x source agent killed",
  "receiving x source agent killed",
  "receiving x source guest killed",
  "receiving x link cut",
  "held x target guest killed",
  "held x both agents killed",
  "committed x target agent killed",
  "committed x target guest killed",
  "committed x link cut",
  "running x source agent paused",
  "running x target agent killed",
];
const BROKEN_MS = 1_500;
const BANDWIDTH_MIBPS = 16;
/** A cell takes about ten seconds on an idle machine. */
const CELL_MS_MAX = 300_000;

const rows = CELLS.map((cell): MoveFaultRow => {
  const row = moveFaultTable.find(([phase, fault]) => `${phase} x ${fault}` === cell);
  if (!row) throw new Error(`the table has no cell "${cell}"`);
  return row;
});

describe.skipIf(!canMakeNamespaces())("a move of a real guest", () => {
  let runner: MoveFaultRunner | undefined;

  afterAll(() => runner?.close());

  it.each(rows)("when %s and its %s, ends at %j: %s", { timeout: CELL_MS_MAX }, async (...row) => {
    const settings = { migration: { bandwidthMiBps: BANDWIDTH_MIBPS } };
    runner ??= new MoveFaultRunner({ guests: new QemuGuests({ settings }), brokenMs: BROKEN_MS });
    const { outcome, faults } = await runner.run(row, (logs) => console.log(logs));
    console.log(
      `${outcome?.end}, frozen ${Math.round(outcome?.frozenMs ?? 0)} ms, ` +
        `apart ${Math.round(outcome?.apartMs ?? 0)} ms`,
    );
    expect(faults).toEqual([]);
  });
});
