import fc from "fast-check";
import { expect, it } from "vitest";
import { readMoveOutcome } from "#lib/wire/validate-move-outcome.ts";
import { moveOutcome } from "../../support/wire-arbitraries.ts";

it("readMoveOutcome() gives every valid outcome back as it is", () => {
  fc.assert(
    fc.property(moveOutcome, (valid) => {
      expect(readMoveOutcome(valid)).toEqual(valid);
      expect(readMoveOutcome({ ...valid, gain: Number.NaN })).toMatchObject({ path: "gain" });
      expect(readMoveOutcome({ ...valid, result: "fine" })).toMatchObject({ path: "result" });
    }),
  );
});
