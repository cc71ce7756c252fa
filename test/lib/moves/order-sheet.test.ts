import { describe, expect, it } from "vitest";
import { OrderSheet } from "#lib/moves/order-sheet.ts";
import { factsOf, moveId } from "../../support/move-fixture.ts";

describe("OrderSheet", () => {
  it("hands its orders out once, in the order given", () => {
    const sheet = new OrderSheet(factsOf("target"));
    const line = { ...factsOf("target"), role: "source", phase: "committed" } as const;
    sheet.journal(line);
    sheet.journal(null, { kind: "disown" });
    sheet.send({ type: "commit", moveId });
    sheet.runPlain("discard");
    sheet.warn("lost", "it is gone");
    expect(sheet.take()).toEqual([
      { type: "journal", line, owner: { kind: "keep" } },
      { type: "journal", line: null, owner: { kind: "disown" } },
      { type: "send", message: { type: "commit", moveId } },
      { type: "run", op: { op: "discard", moveId, vm: "web" } },
      { type: "warn", code: "lost", message: "web: it is gone" },
    ]);
    expect(sheet.take()).toEqual([]);
  });

  it("closes the channel before a move ends", () => {
    const sheet = new OrderSheet(factsOf("target"));
    const end = { result: "moved", detail: "", downtimeMs: 12, transferredBytes: 1 } as const;
    sheet.end(end);
    expect(sheet.take()).toEqual([
      { type: "run", op: { op: "closeChannel", moveId } },
      { type: "ended", end },
    ]);
  });
});
