import { expect, it } from "vitest";
import { RefusalMemory } from "#lib/core/refusal-memory.ts";

it("RefusalMemory tells the last refusal of a VM by a target for a minute", () => {
  const memory = new RefusalMemory();
  memory.add({ vm: "web", to: "QmB" }, "full", 1_000);
  expect(memory.last("web", "QmB", 31_000)).toBe("refused 30 s ago: full");
  expect(memory.last("web", "QmC", 31_000)).toBeNull();
  expect(memory.last("web", "QmB", 61_000)).toBeNull();
});
