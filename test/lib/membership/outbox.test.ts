import { expect, it } from "vitest";
import { Outbox } from "#lib/membership/outbox.ts";

it("Outbox hands each order out once, in the order given", () => {
  const outbox = new Outbox();
  outbox.push({ type: "refute", incarnation: 1 });
  outbox.push({ type: "refute", incarnation: 2 });
  expect(outbox.take()).toEqual([
    { type: "refute", incarnation: 1 },
    { type: "refute", incarnation: 2 },
  ]);
  expect(outbox.take()).toEqual([]);
});
