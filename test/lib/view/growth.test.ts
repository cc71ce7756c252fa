import { expect, test } from "vitest";
import { Growth } from "#lib/view/growth.ts";

test("Growth ends once few of the hosts were met within ten seconds", () => {
  const growth = new Growth();
  for (let host = 0; host < 300; host += 1) growth.met(host * 10);
  expect(growth.isGrowing(300, 300, 3_000)).toBe(true);
  for (let host = 0; host < 2; host += 1) growth.met(12_000);
  expect(growth.isGrowing(302, 302, 15_000)).toBe(true);
  expect(growth.isGrowing(302, 302, 22_000)).toBe(false);
  for (let host = 0; host < 4; host += 1) growth.met(30_000);
  expect(growth.isGrowing(306, 306, 30_000)).toBe(true);
  expect(growth.isGrowing(306, 306, 60_000)).toBe(false);
});

test("Growth goes on while many hosts are known by name alone", () => {
  const growth = new Growth();
  expect(growth.isGrowing(290, 300, 60_000)).toBe(true);
  expect(growth.isGrowing(298, 300, 60_000)).toBe(false);
});
