import { expect, test } from "vitest";
import { Deadlines } from "#lib/base/deadlines.ts";

test("Deadlines.due() returns what is due by time, then by key, and only once", () => {
  const deadlines = new Deadlines<string>();
  deadlines.set("late", 30);
  deadlines.set("b", 10);
  deadlines.set("a", 10);
  deadlines.set("first", 5);
  expect(deadlines.nextMs()).toBe(5);
  expect(deadlines.due(4)).toEqual([]);
  expect(deadlines.due(10)).toEqual(["first", "a", "b"]);
  expect(deadlines.due(10)).toEqual([]);
  expect(deadlines.nextMs()).toBe(30);
});

test("Deadlines.set() replaces and stop() removes", () => {
  const deadlines = new Deadlines<"probe" | "round">();
  deadlines.set("probe", 10);
  deadlines.set("probe", 20);
  expect(deadlines.atMs("probe")).toBe(20);
  deadlines.set("round", 5);
  deadlines.stop("round");
  expect(deadlines.has("round")).toBe(false);
  expect(deadlines.due(15)).toEqual([]);
  expect(deadlines.due(20)).toEqual(["probe"]);
  expect(deadlines.nextMs()).toBeUndefined();
});

test("Deadlines.set() refuses a time that would never come", () => {
  expect(() => new Deadlines<string>().set("x", Number.NaN)).toThrow("deadline x");
});
