import { expect, test } from "vitest";
import { movesMade } from "#lib/core/moves-made.ts";
import type { MoveOutcome } from "#lib/model/move-outcome.ts";
import type { InventoryRecord } from "#lib/model/record.ts";
import type { VmEntry } from "#lib/model/vm.ts";
import { inventoryRecord } from "../../support/view-records.ts";

interface Told {
  /** Moves that ended, by id: true for those that moved the VM. */
  readonly ended?: Readonly<Record<string, boolean>>;
  readonly underWay?: readonly string[];
}

function made(told: Readonly<Record<string, Told>>): number {
  const inventoryOf = (host: string) => {
    const { ended, underWay = [] } = told[host] ?? {};
    if (!ended) return undefined;
    const outcomes = Object.entries(ended).map(([moveId, moved]) => ({
      ...({ moveId, result: moved ? "moved" : "aborted" } as MoveOutcome),
    }));
    const vms = underWay.map((move) => ({ move }) as VmEntry);
    const { body, ...version } = inventoryRecord(host, 1);
    const record: InventoryRecord = { ...version, body: { ...body, outcomes, vms } };
    return { record, receivedAtMs: 0 };
  };
  const view = { hosts: () => Object.keys(told), inventoryOf };
  return movesMade({ view } as unknown as Parameters<typeof movesMade>[0]);
}

test("movesMade() counts what was moved or is being moved, on every host", () => {
  expect(
    made({ a: { ended: { "web.2.00": true } }, b: { ended: {}, underWay: ["db.2.00"] } }),
  ).toBe(2);
});

test("movesMade() counts no move twice that both its ends tell of", () => {
  const one = { ended: { "web.2.00": true } };
  expect(made({ a: one, b: { ...one, underWay: ["web.2.00"] } })).toBe(1);
});

test("movesMade() counts nothing that did not come about, and hosts that tell nothing as none", () => {
  expect(made({ a: { ended: { "web.2.00": false } }, b: {} })).toBe(0);
  expect(made({})).toBe(0);
});
