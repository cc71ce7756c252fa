import { expect, test } from "vitest";
import { failedRow, skippedRow, verdictOf } from "../../../scripts/plans/section.ts";
import { SECTIONS } from "../../../scripts/plans/sections.ts";

test("SECTIONS have names of their own and say how to read them", () => {
  const names = SECTIONS.map((section) => section.name);
  expect(new Set(names).size).toBe(names.length);
  for (const { name, title, notes } of SECTIONS) {
    expect(name).toMatch(/^[a-z0-9-]+$/);
    expect(title).not.toBe("");
    expect(notes.length).toBeGreaterThan(0);
  }
});

test("rows say what was missed, skipped or failed", () => {
  expect([verdictOf(true), verdictOf(false)]).toEqual(["met", "missed"]);
  expect(skippedRow("c20", "c20.json")).toMatchObject({ verdict: "skipped" });
  expect(failedRow("c20", new Error("no luck"))).toMatchObject({
    ours: "no luck",
    verdict: "failed",
  });
});
