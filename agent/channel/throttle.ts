import { Transform } from "node:stream";
import { TokenBucket } from "./token-bucket.ts";

/** A stream that passes at most `bytesPerSecond`; waiting is back-pressure on whoever writes. */
export function throttle(bytesPerSecond: number): Transform {
  const bucket = new TokenBucket(bytesPerSecond, performance.now());
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const waitMs = bucket.take(chunk.length, performance.now());
      if (waitMs < 1) done(null, chunk);
      else setTimeout(() => done(null, chunk), waitMs);
    },
  });
}
