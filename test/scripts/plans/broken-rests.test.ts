import { expect, test } from "vitest";
import { brokenRests } from "../../../scripts/plans/quiet-hour-section.ts";

const at = (vm: string, ...seconds: number[]) => seconds.map((second) => ({ vm, second }));

test("brokenRests() counts a VM that moves again within a minute", () => {
  expect(brokenRests(at("web", 0, 59))).toBe(1);
  expect(brokenRests(at("web", 0, 60))).toBe(0);
  expect(brokenRests([...at("web", 0), ...at("db", 10)])).toBe(0);
});

test("brokenRests() wants a rest twice as long after each move that followed closely", () => {
  expect(brokenRests(at("web", 0, 100, 219))).toBe(1);
  expect(brokenRests(at("web", 0, 100, 220))).toBe(0);
  expect(brokenRests(at("web", 0, 100, 220, 400))).toBe(1);
});

test("brokenRests() forgets moves after twice the rest", () => {
  expect(brokenRests(at("web", 0, 121, 182))).toBe(0);
});
