/**
 * One SourceMove and one TargetMove, joined by a network that loses, repeats and reorders, with
 * agents that die at any moment and operations that fail: never two running copies, and once all
 * is healed an end, with the guest where the journals say.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MovePair, type PairEvent, pairEvents } from "../../support/move-pair.ts";

const event = fc.constantFrom<PairEvent>(...pairEvents);
const faults = fc.tuple(
  fc.oneof({ weight: 5, arbitrary: fc.constant<PairEvent>("go on") }, event),
  fc.nat(999),
);
/** Most of a move takes some forty steps; the faults begin anywhere in it. */
const script = fc.tuple(fc.nat(40), fc.array(faults, { maxLength: 60, size: "max" }));

describe("SourceMove and TargetMove", () => {
  it("never both run the guest, and always end once healed", () => {
    fc.assert(
      fc.property(script, ([undisturbed, steps]) => {
        const pair = new MovePair();
        for (let i = 0; i < undisturbed; i++) pair.happen("go on", 0);
        for (const [what, choice] of steps) pair.happen(what, choice);
        pair.heal();
        expect(pair.story()).toMatchObject({ settled: true });
        if (pair.wasKilled) return;
        expect(pair.running).toHaveLength(1);
        expect(pair.owners).toEqual(pair.running);
      }),
      { numRuns: 3_000 },
    );
  });

  it("move the guest when nothing goes wrong", () => {
    const pair = new MovePair();
    pair.heal();
    expect(pair.story()).toMatchObject({
      settled: true,
      source: { ended: "moved", copy: "none", owned: undefined, line: null },
      target: { ended: "moved", copy: "running", owned: 8, line: null },
    });
  });
});
