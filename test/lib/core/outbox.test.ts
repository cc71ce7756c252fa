import { describe, expect, it } from "vitest";
import { Outbox } from "#lib/core/outbox.ts";

describe("Outbox", () => {
  it("hands effects out once, in the order given, and persists nothing for nothing", () => {
    const outbox = new Outbox();
    outbox.persist([]);
    outbox.persist([{ key: "a", value: null }]);
    outbox.relist();
    outbox.notice("info", "code", "words");
    expect(outbox.take()).toEqual([
      { type: "persist", entries: [{ key: "a", value: null }] },
      { type: "relist" },
      { type: "notice", notice: { level: "info", code: "code", message: "words", facts: {} } },
    ]);
    expect(outbox.take()).toEqual([]);
  });

  it("tells once whose operation ended", () => {
    const outbox = new Outbox();
    outbox.run({ op: "forget", vm: "web" }, { part: "guest", vm: "web" });
    outbox.run({ op: "forget", vm: "db" }, { part: "guest", vm: "db" });
    const ids = outbox.take().map((effect) => (effect.type === "run" ? effect.opId : 0));
    expect(new Set(ids).size).toBe(2);
    const [, second = 0] = ids;
    expect(outbox.opEnded(second)).toEqual({ op: "forget", owner: { part: "guest", vm: "db" } });
    expect(outbox.opEnded(second)).toBeUndefined();
  });
});
