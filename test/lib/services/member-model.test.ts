/**
 * One member on a model of its host, through anything in any order: the agent dies and comes back at
 * every point of every operation, the power is cut, templates change, disks are full. What must hold
 * is checked at each order.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { ModelHost, type Progress } from "../../support/model-host.ts";

const step = fc.oneof(
  { weight: 8, arbitrary: fc.constant((host: ModelHost) => host.endOp("ok")) },
  { weight: 4, arbitrary: fc.constant((host: ModelHost) => host.tell({ type: "mayStage" })) },
  { weight: 4, arbitrary: fc.constant((host: ModelHost) => host.tell({ type: "run" })) },
  { weight: 3, arbitrary: fc.constant((host: ModelHost) => host.tell({ type: "rest" })) },
  { weight: 2, arbitrary: fc.constant((host: ModelHost) => host.drained()) },
  { weight: 2, arbitrary: fc.constant((host: ModelHost) => host.endOp("failed")) },
  { weight: 1, arbitrary: fc.constant((host: ModelHost) => host.lose()) },
  {
    weight: 2,
    arbitrary: fc.integer({ min: 1, max: 9_000 }).map((afterMs) => (host: ModelHost) => {
      host.nowMs += afterMs;
      host.tell({ type: "timeout" });
    }),
  },
  {
    weight: 1,
    arbitrary: fc
      .record({ staged: fc.boolean(), digest: fc.constantFrom("one", "two", "three") })
      .map((changes) => (host: ModelHost) => host.declare(changes)),
  },
  {
    weight: 3,
    arbitrary: fc
      .record({
        progress: fc.constantFrom<Progress>("not begun", "half", "done"),
        powerCut: fc.boolean(),
      })
      .map((how) => (host: ModelHost) => host.restart(how)),
  },
);

test("Member keeps its rules through any sequence of events, and is well again afterwards", () => {
  const reached = new Set<string>();
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100, size: "max" }), (steps) => {
      const host = new ModelHost();
      for (const one of steps) {
        one(host);
        reached.add(host.member.state);
      }
      host.calmDown();
    }),
    { numRuns: 500 },
  );
  // The sequences lead through every state, or they prove nothing.
  expect([...reached].sort()).toEqual(
    ["absent", "discarding", "draining", "resuming", "running", "stale", "staging"]
      .concat(["suspended", "suspending"])
      .sort(),
  );
});
