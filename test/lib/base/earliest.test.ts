import { expect, it } from "vitest";
import { earliestMs } from "#lib/base/earliest.ts";

it.each([
  [[], undefined],
  [[undefined, undefined], undefined],
  [[undefined, 7], 7],
  [[9, undefined, 3, 5], 3],
  [[0, -1], -1],
])("earliestMs() of %j is %j", (timesMs, earliest) => {
  expect(earliestMs(...timesMs)).toBe(earliest);
});
