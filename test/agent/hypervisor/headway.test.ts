import { describe, expect, it } from "vitest";
import { Headway, type TransferLook } from "#agent/hypervisor/headway.ts";

const MIB = 1 << 20;
const look = (change: Partial<TransferLook>): TransferLook => ({
  transferredBytes: 0,
  remainingBytes: 100 * MIB,
  totalBytes: 100 * MIB,
  dirtyBytesPerSecond: null,
  passes: 1,
  throttleShare: 0,
  ...change,
});

describe("Headway", () => {
  it("takes flowing bytes for headway in the first pass only", () => {
    const headway = new Headway(0);
    expect(headway.idleMs(look({ transferredBytes: 1 }), 100)).toBe(0);
    expect(headway.idleMs(look({ transferredBytes: 2 }), 300)).toBe(0);
    expect(headway.idleMs(look({ transferredBytes: 2 }), 500)).toBe(200);
    const second = { passes: 2, remainingBytes: 50 * MIB };
    expect(headway.idleMs(look({ ...second, transferredBytes: 9 }), 600)).toBe(0);
    expect(headway.idleMs(look({ ...second, transferredBytes: 99 }), 900)).toBe(300);
  });

  it("later wants the rest to fall below its least, by more than jitter", () => {
    const headway = new Headway(0);
    const idle = (remainingBytes: number, nowMs: number) =>
      headway.idleMs(look({ passes: 3, remainingBytes }), nowMs);
    expect(idle(10 * MIB, 100)).toBe(0);
    expect(idle(30 * MIB, 200)).toBe(100);
    expect(idle(10 * MIB - 1, 300)).toBe(200);
    expect(idle(5 * MIB, 400)).toBe(0);
  });

  it("takes a tightening throttle for headway, until it cannot tighten any more", () => {
    const headway = new Headway(0);
    const idle = (throttleShare: number, nowMs: number) =>
      headway.idleMs(look({ passes: 3, remainingBytes: 10 * MIB, throttleShare }), nowMs);
    idle(0, 100);
    expect(idle(0.2, 1_000)).toBe(0);
    expect(idle(0.99, 2_000)).toBe(0);
    expect(idle(0.99, 5_000)).toBe(3_000);
  });

  it("counts from its beginning when nothing ever flows", () => {
    const headway = new Headway(1_000);
    headway.idleMs(look({}), 1_000);
    expect(headway.idleMs(look({}), 4_000)).toBe(3_000);
  });
});
