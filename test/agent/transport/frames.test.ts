import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FrameReader, frameOf, keepAliveFrame } from "#agent/transport/frames.ts";

describe("FrameReader", () => {
  it("gives the frames whole, however the stream cuts them", () => {
    const payloads = fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 8 });
    fc.assert(
      fc.property(payloads, fc.integer({ min: 1, max: 13 }), (sent, chunkBytes) => {
        const bytes = Buffer.concat(sent.map(frameOf));
        const reader = new FrameReader(50);
        const read: Uint8Array[] = [];
        for (let at = 0; at < bytes.length; at += chunkBytes) {
          const frames = reader.push(bytes.subarray(at, at + chunkBytes));
          if (frames !== "oversized") read.push(...frames);
        }
        expect(read.map((frame) => [...frame])).toEqual(sent.map((frame) => [...frame]));
      }),
    );
  });

  it("refuses a length over the limit and takes nothing after it", () => {
    const reader = new FrameReader(10);
    expect(reader.push(frameOf(new Uint8Array(10)))).toHaveLength(1);
    expect(reader.push(frameOf(new Uint8Array(11)))).toBe("oversized");
    expect(reader.push(keepAliveFrame)).toBe("oversized");
  });

  it("reads a keep-alive as an empty frame", () => {
    expect(new FrameReader(10).push(keepAliveFrame)).toEqual([new Uint8Array(0)]);
  });
});
