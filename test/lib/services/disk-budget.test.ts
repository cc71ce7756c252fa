import { expect, test } from "vitest";
import { diskRefusal } from "#lib/services/disk-budget.ts";

const MIB = 2 ** 20;
const budget = { limitBytes: 1_000 * MIB, usedBytes: 680 * MIB, freeBytes: 320 * MIB };

test("diskRefusal() is null where the whole member fits, under the limit and on the disk", () => {
  expect(diskRefusal(256 * MIB, budget)).toBe(null);
  expect(diskRefusal(256 * MIB, { ...budget, limitBytes: null, usedBytes: 1e15 })).toBe(null);
});

test("diskRefusal() says what is full, with the figures", () => {
  expect(diskRefusal(256 * MIB, { ...budget, usedBytes: 681 * MIB })).toBe(
    "members take 681 of 1000 MiB that they may have, and this one may need 320",
  );
  expect(diskRefusal(256 * MIB, { ...budget, freeBytes: 319 * MIB })).toBe(
    "319 MiB are free on the disk, and it may need 320",
  );
  expect(diskRefusal(0, { ...budget, limitBytes: 0, usedBytes: 0 })).not.toBe(null);
});
