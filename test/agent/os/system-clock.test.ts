import { describe, expect, it, vi } from "vitest";
import { SystemClock } from "#agent/os/system-clock.ts";

function fakeClock() {
  const time = { monotonicMs: 5000, uptimeMs: 9000 as number | undefined, wallMs: 1.8e12 };
  const uptimeMs = vi.fn(() => time.uptimeMs);
  const clock = new SystemClock({
    monotonicMs: () => time.monotonicMs,
    uptimeMs,
    wallMs: () => time.wallMs,
  });
  return { time, clock, uptimeMs };
}

/** Goes on: awake by so much, then suspended. */
function pass(time: ReturnType<typeof fakeClock>["time"], awakeMs: number, suspendedMs = 0): void {
  time.monotonicMs += awakeMs;
  time.wallMs += awakeMs + suspendedMs;
  if (time.uptimeMs !== undefined) time.uptimeMs += awakeMs + suspendedMs;
}

describe("SystemClock.nowMs()", () => {
  it("follows the monotonic clock, whatever the rounding of uptime", () => {
    const { time, clock } = fakeClock();
    const startMs = clock.nowMs();
    for (const roundingMs of [-10, 10, 400, -300]) {
      pass(time, 5000);
      time.uptimeMs = time.monotonicMs + 4000 + roundingMs;
      clock.nowMs();
    }
    expect(clock.nowMs() - startMs).toBe(20_000);
  });

  it("counts the time that the machine was suspended", () => {
    const { time, clock } = fakeClock();
    const startMs = clock.nowMs();
    pass(time, 100, 3_600_000);
    expect(clock.nowMs() - startMs).toBe(3_600_100);
    pass(time, 100);
    expect(clock.nowMs() - startMs).toBe(3_600_200);
  });

  it("leaves uptime alone while the wall clock keeps step, for 5 s", () => {
    const { time, clock, uptimeMs } = fakeClock();
    clock.nowMs();
    for (let tick = 0; tick < 49; tick += 1) {
      pass(time, 100);
      // Slewed by NTP, which is no leap.
      time.wallMs += 1;
      clock.nowMs();
    }
    expect(uptimeMs).toHaveBeenCalledTimes(1);
    pass(time, 100);
    clock.nowMs();
    expect(uptimeMs).toHaveBeenCalledTimes(2);
  });

  it.each([
    ["forth", 86_400_000],
    ["back", -86_400_000],
  ])("takes a wall clock that is set %s for no suspend, and looks once", (_way, leapMs) => {
    const { time, clock, uptimeMs } = fakeClock();
    const startMs = clock.nowMs();
    time.wallMs += leapMs;
    for (let tick = 0; tick < 10; tick += 1) {
      pass(time, 100);
      clock.nowMs();
    }
    expect(clock.nowMs() - startMs).toBe(1000);
    expect(uptimeMs).toHaveBeenCalledTimes(2);
  });

  it("notices a suspend after 5 s when the wall clock was set back by as much", () => {
    const { time, clock } = fakeClock();
    const startMs = clock.nowMs();
    pass(time, 100, 3_600_000);
    time.wallMs -= 3_600_000;
    expect(clock.nowMs() - startMs).toBe(100);
    pass(time, 5000);
    expect(clock.nowMs() - startMs).toBe(3_605_100);
  });

  it("never goes back", () => {
    const { time, clock } = fakeClock();
    const startMs = clock.nowMs();
    pass(time, 5000);
    time.uptimeMs = 100;
    expect(clock.nowMs() - startMs).toBe(5000);
  });

  it("works where uptime cannot be had", () => {
    const { time, clock } = fakeClock();
    time.uptimeMs = undefined;
    const startMs = clock.nowMs();
    pass(time, 5000);
    expect(clock.nowMs() - startMs).toBe(5000);
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
