import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { suspicionTimeoutMs } from "#lib/membership/suspicion-timeout.ts";

const bounds = { minMs: 2000, maxMs: 6000, confirmationsMax: 3 };

describe("suspicionTimeoutMs()", () => {
  it.each([
    { name: "waits longest with no confirmation", confirmations: 0, expected: 6000 },
    { name: "is half way down at the first of three", confirmations: 1, expected: 4000 },
    { name: "waits least when all have confirmed", confirmations: 3, expected: 2000 },
    { name: "stays at the least with more than enough", confirmations: 9, expected: 2000 },
  ])("$name", ({ confirmations, expected }) => {
    expect(suspicionTimeoutMs(confirmations, bounds)).toBeCloseTo(expected);
  });

  it("waits longest when nobody could confirm", () => {
    expect(suspicionTimeoutMs(0, { ...bounds, confirmationsMax: 0 })).toBe(6000);
  });

  it("never leaves its bounds and never rises with confirmations", () => {
    fc.assert(
      fc.property(fc.nat(20), fc.nat(10), (confirmations, confirmationsMax) => {
        const options = { ...bounds, confirmationsMax };
        const ms = suspicionTimeoutMs(confirmations, options);
        expect(ms).toBeGreaterThanOrEqual(bounds.minMs);
        expect(ms).toBeLessThanOrEqual(bounds.maxMs);
        expect(suspicionTimeoutMs(confirmations + 1, options)).toBeLessThanOrEqual(ms);
      }),
    );
  });

  it("refuses bounds that are the wrong way round", () => {
    expect(() => suspicionTimeoutMs(0, { ...bounds, minMs: 7000 })).toThrow("assertion failed");
  });
});
