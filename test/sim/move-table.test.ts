/**
 * Never two, never lost: each phase of a move struck by each fault, then healed.
 * Every run is judged by all checkers after every step; this table says where the VM ends up.
 */
import { describe, expect, it } from "vitest";
import { Node } from "#lib/core/node.ts";
import type { NodeOptions } from "#lib/core/node-options.ts";
import { type CellEnd, moveFaults, movePhases, runMoveCell } from "#lib/simulation/move-cell.ts";
import { moveFaultTable } from "../support/move-fault-table.ts";

const seeds = 50;
/** Virtual time is free, but a starved machine is slow. */
const timeout = 120_000;

describe("a move", { timeout }, () => {
  it("has an expected result for each phase and fault", () => {
    const named = new Set(moveFaultTable.map(([phase, fault]) => `${phase} ${fault}`));
    expect(named.size).toBe(movePhases.length * moveFaults.length);
    expect(moveFaultTable).toHaveLength(named.size);
  });

  it.each(moveFaultTable)("when %s and its %s, ends at %j: %s", (phase, fault, ends) => {
    const seen = new Set<CellEnd>();
    for (let seed = 1; seed <= seeds; seed += 1) {
      seen.add(runMoveCell({ phase, fault, seed, makeNode }));
    }
    expect([...seen].filter((end) => !ends.includes(end))).toEqual([]);
  });
});

function makeNode(options: NodeOptions): Node {
  return new Node(options);
}
