import { describe, expect, it } from "vitest";
import { Discarding } from "#lib/moves/discarding.ts";
import { OrderSheet } from "#lib/moves/order-sheet.ts";
import { defaultMoveParams as params } from "#lib/moves/params.ts";
import { TargetMove } from "#lib/moves/target-move.ts";
import { abort, factsOf, plain, succeeded, wordsOf } from "../../support/move-fixture.ts";

function bench() {
  const sheet = new OrderSheet(factsOf("source"));
  const discarding = new Discarding();
  const ordered = () => wordsOf(sheet.take());
  return { sheet, discarding, ordered };
}

describe("Discarding", () => {
  it("takes a discard for done that began after the copy was made, or when there is none", () => {
    const { sheet, discarding, ordered } = bench();
    discarding.order(sheet);
    expect(discarding.succeeded(sheet)).toBe(true);
    discarding.making();
    discarding.made(sheet);
    discarding.order(sheet);
    expect(discarding.succeeded(sheet)).toBe(true);
    expect(ordered()).toEqual(["run discard", "run discard"]);
  });

  it("orders another when the copy was made while the first was under way", () => {
    const { sheet, discarding, ordered } = bench();
    discarding.making();
    discarding.order(sheet);
    discarding.made(sheet);
    expect(ordered()).toEqual(["run discard"]);
    expect(discarding.succeeded(sheet)).toBe(false);
    expect(ordered()).toEqual(["run discard"]);
    expect(discarding.succeeded(sheet)).toBe(true);
  });

  it("waits when the first has ended and the copy may still come", () => {
    const { sheet, discarding, ordered } = bench();
    discarding.making();
    discarding.order(sheet);
    expect(discarding.succeeded(sheet)).toBe(false);
    expect(ordered()).toEqual(["run discard"]);
    discarding.made(sheet);
    expect(ordered()).toEqual(["run discard"]);
    expect(discarding.succeeded(sheet)).toBe(true);
  });
});

describe("TargetMove", () => {
  it("keeps the place of a copy that may come after its discard, and discards it then", () => {
    const move = new TargetMove({ facts: factsOf("source"), params });
    move.grant(0);
    for (const input of [plain("begin"), abort(), succeeded("discard")]) move.handle(input, 0);
    expect(move.reserves).toBe(true);
    expect(wordsOf(move.handle(succeeded("prepareIncoming"), 0))).toEqual(["run discard"]);
    move.handle(succeeded("discard"), 0);
    expect(move.reserves).toBe(false);
  });
});
