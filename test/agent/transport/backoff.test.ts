import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { redialDelayMs } from "#agent/transport/backoff.ts";

describe("redialDelayMs()", () => {
  it.each([
    { failures: 1, expected: 500 },
    { failures: 2, expected: 1_000 },
    { failures: 4, expected: 4_000 },
    { failures: 5, expected: 5_000 },
    { failures: 59, expected: 5_000 },
    { failures: 60, expected: 20_000 },
    { failures: 1e9, expected: 20_000 },
  ])("is $expected ms in the middle after $failures failures", ({ failures, expected }) => {
    expect(redialDelayMs(failures, 0.5)).toBe(expected);
  });

  it("spreads by a quarter to either side and never more", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1000 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (failures, share) => {
          const middle = redialDelayMs(failures, 0.5);
          const delay = redialDelayMs(failures, share);
          expect(delay).toBeGreaterThanOrEqual(0.75 * middle);
          expect(delay).toBeLessThanOrEqual(1.25 * middle);
        },
      ),
    );
  });
});
