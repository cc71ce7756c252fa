import { describe, expect, it } from "vitest";
import { Prng } from "#lib/base/prng.ts";
import { VirtualClock } from "#lib/simulation/virtual-clock.ts";

function runAll(clock: VirtualClock, untilMs = 1e9): void {
  while (clock.runNext(untilMs));
}

describe("VirtualClock", () => {
  it("runs events in time order, ties in the order in which they were set", () => {
    const clock = new VirtualClock();
    const seen: string[] = [];
    const delays = [30, 10, 20, 10, 30, 0];
    for (const [index, delayMs] of delays.entries()) {
      clock.after(delayMs, () => seen.push(`${clock.nowMs}#${index}`));
    }
    runAll(clock);
    expect(seen).toEqual(["0#5", "10#1", "10#3", "20#2", "30#0", "30#4"]);
  });

  it("keeps that order over many random events", () => {
    const clock = new VirtualClock();
    const seen: number[] = [];
    let state = 1;
    for (let i = 0; i < 2_000; i += 1) {
      state = (state * 48_271) % 2_147_483_647;
      clock.after(state % 97, () => seen.push(clock.nowMs));
    }
    runAll(clock);
    expect(seen).toHaveLength(2_000);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
  });

  it("keeps it also for what is set while time goes by, near and far", () => {
    const clock = new VirtualClock();
    const prng = new Prng(3);
    const expected: { atMs: number; order: number }[] = [];
    const seen: number[] = [];
    const set = (delayMs: number) => {
      const order = expected.length;
      expected.push({ atMs: clock.nowMs + delayMs, order });
      clock.call(delayMs, () => {
        seen.push(order);
        if (expected.length < 3_000) set(prng.nextInt(3) === 0 ? 0 : prng.nextShare() * 900);
      });
    };
    for (let i = 0; i < 200; i += 1) set(prng.nextShare() * 2_000);
    // A look ahead at a far event must not keep nearer ones, set later, from coming first.
    while (clock.runNext(clock.nowMs + 1) || clock.nextMs !== undefined) {
      if (expected.length < 3_000 && prng.nextInt(4) === 0) set(prng.nextShare() * 5);
    }
    const inOrder = expected.sort((a, b) => a.atMs - b.atMs || a.order - b.order);
    expect(seen).toEqual(inOrder.map(({ order }) => order));
  });

  it("forgets a cancelled event and stops at the limit", () => {
    const clock = new VirtualClock();
    const seen: number[] = [];
    clock.after(5, () => seen.push(5))();
    clock.after(50, () => seen.push(50));
    runAll(clock, 20);
    expect([seen, clock.nowMs, clock.nextMs]).toEqual([[], 20, 50]);
    runAll(clock, 60);
    expect([seen, clock.nowMs, clock.nextMs]).toEqual([[50], 60, undefined]);
  });

  it("refuses a delay that is no time", () => {
    expect(() => new VirtualClock().after(-1, () => {})).toThrow(/delay of -1/);
    expect(() => new VirtualClock().after(Number.NaN, () => {})).toThrow(/delay of NaN/);
  });
});
