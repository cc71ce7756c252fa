import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TokenBucket } from "#agent/channel/token-bucket.ts";

describe("TokenBucket", () => {
  it("lets the first bytes through and makes the next wait for them", () => {
    const bucket = new TokenBucket(1000, 0);
    expect(bucket.take(500, 0)).toBe(0);
    expect(bucket.take(500, 0)).toBe(500);
    expect(bucket.take(1, 0)).toBe(1000);
  });

  it("saves up no more than a short burst while idle", () => {
    const bucket = new TokenBucket(1000, 0);
    expect(bucket.take(50, 60_000)).toBe(0);
    expect(bucket.take(100, 60_000)).toBe(0);
    expect(bucket.take(100, 60_000)).toBe(100);
  });

  it("never passes more than the rate and one burst", () => {
    const chunks = fc.array(fc.integer({ min: 1, max: 65_536 }), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(fc.integer({ min: 1000, max: 1e9 }), chunks, (bytesPerSecond, sizes) => {
        const bucket = new TokenBucket(bytesPerSecond, 0);
        let nowMs = 0;
        let sentBefore = 0;
        for (const size of sizes) {
          nowMs += bucket.take(size, nowMs);
          const allowed = ((nowMs + 50) * bytesPerSecond) / 1000;
          expect(sentBefore).toBeLessThanOrEqual(allowed * (1 + 1e-9) + 1);
          sentBefore += size;
        }
      }),
    );
  });
});
