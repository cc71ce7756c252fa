import { expect, test } from "vitest";
import { coolDownMs, recentMovesAfter } from "#lib/planning/cool-down.ts";

const params = { coolDownMs: 60_000, coolDownMsMax: 3_600_000 };

test("coolDownMs() doubles up to its limit", () => {
  expect([0, 1, 2, 5, 6, 1000].map((moves) => coolDownMs(moves, params) / 60_000)).toEqual([
    1, 2, 4, 32, 60, 60,
  ]);
});

test("recentMovesAfter() counts moves that follow closely and forgets after a long rest", () => {
  expect(recentMovesAfter(0, undefined, params)).toBe(0);
  expect(recentMovesAfter(0, 61_000, params)).toBe(1);
  expect(recentMovesAfter(0, 121_000, params)).toBe(0);
  expect(recentMovesAfter(3, 900_000, params)).toBe(4);
  expect(recentMovesAfter(3, 1_000_000, params)).toBe(0);
});
