import { describe, expect, it, vi } from "vitest";
import { SystemClock } from "#agent/os/system-clock.ts";

function fakeClock() {
  const time = { monotonicMs: 5000, uptimeMs: 9000 as number | undefined };
  const clock = new SystemClock({
    monotonicMs: () => time.monotonicMs,
    uptimeMs: () => time.uptimeMs,
  });
  return { time, clock };
}

describe("SystemClock.nowMs()", () => {
  it("follows the monotonic clock, whatever the rounding of uptime", () => {
    const { time, clock } = fakeClock();
    const startMs = clock.nowMs();
    for (const roundingMs of [-10, 10, 400, -300]) {
      time.monotonicMs += 1000;
      time.uptimeMs = time.monotonicMs + 4000 + roundingMs;
      clock.nowMs();
    }
    expect(clock.nowMs() - startMs).toBe(4000);
  });

  it("counts the time that the machine was suspended", () => {
    const { time, clock } = fakeClock();
    const startMs = clock.nowMs();
    time.monotonicMs += 100;
    time.uptimeMs = 9000 + 100 + 3_600_000;
    expect(clock.nowMs() - startMs).toBe(3_600_100);
    time.monotonicMs += 100;
    time.uptimeMs += 100;
    expect(clock.nowMs() - startMs).toBe(3_600_200);
  });

  it("never goes back", () => {
    const { time, clock } = fakeClock();
    const startMs = clock.nowMs();
    time.monotonicMs += 100;
    time.uptimeMs = 100;
    expect(clock.nowMs() - startMs).toBe(100);
  });

  it("works where uptime cannot be had", () => {
    const { time, clock } = fakeClock();
    time.uptimeMs = undefined;
    const startMs = clock.nowMs();
    time.monotonicMs += 100;
    expect(clock.nowMs() - startMs).toBe(100);
  });

  it("reads the real clocks", () => {
    const clock = new SystemClock();
    const firstMs = clock.nowMs();
    expect(clock.nowMs()).toBeGreaterThanOrEqual(firstMs);
    expect(clock.wallMs()).toBeGreaterThan(1_700_000_000_000);
  });
});

describe("SystemClock.after()", () => {
  it("wakes once, or not at all when forgotten", () => {
    vi.useFakeTimers();
    try {
      const clock = new SystemClock();
      const wake = vi.fn();
      const forgotten = vi.fn();
      clock.after(1000, wake);
      clock.after(1000, forgotten)();
      vi.advanceTimersByTime(999);
      expect(wake).not.toHaveBeenCalled();
      vi.advanceTimersByTime(10_000);
      expect(wake).toHaveBeenCalledTimes(1);
      expect(forgotten).not.toHaveBeenCalled();
    } finally {
      vi.useRealTimers();
    }
  });

  it("does not fire at once for a delay longer than a timer can be", () => {
    vi.useFakeTimers();
    try {
      const wake = vi.fn();
      new SystemClock().after(Number.MAX_SAFE_INTEGER, wake);
      vi.advanceTimersByTime(60_000);
      expect(wake).not.toHaveBeenCalled();
    } finally {
      vi.useRealTimers();
    }
  });
});
