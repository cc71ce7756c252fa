import { describe, expect, it } from "vitest";
import { Lifecycle, type Part } from "#agent/lifecycle.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { MemoryLog } from "../support/memory-log.ts";

const never = () => new Promise<void>(() => undefined);

function makeLifecycle(overrides: Readonly<Record<string, Partial<Part>>> = {}) {
  const calls: string[] = [];
  const clock = new ManualClock();
  const log = new MemoryLog();
  const parts = ["journal", "transport", "api"].map((name) => ({
    name,
    start: async () => void calls.push(`start ${name}`),
    stop: async () => void calls.push(`stop ${name}`),
    ...overrides[name],
  }));
  return { calls, clock, log, lifecycle: new Lifecycle({ parts, clock, log }) };
}

describe("Lifecycle", () => {
  it("starts in order and stops in reverse, once", async () => {
    const { calls, clock, lifecycle } = makeLifecycle();
    await lifecycle.start();
    await lifecycle.stop();
    await lifecycle.stop();
    expect(calls).toEqual([
      "start journal",
      "start transport",
      "start api",
      "stop api",
      "stop transport",
      "stop journal",
    ]);
    expect(clock.waiting).toBe(0);
  });

  it("stops what was started when a part fails to start", async () => {
    const { calls, lifecycle } = makeLifecycle({
      transport: { start: () => Promise.reject(new Error("port taken")) },
    });
    await expect(lifecycle.start()).rejects.toThrow("port taken");
    expect(calls).toEqual(["start journal", "stop transport", "stop journal"]);
  });

  it("names the part that does not start in time", async () => {
    const { clock, lifecycle } = makeLifecycle({ journal: { start: never, startMsMax: 500 } });
    const started = lifecycle.start();
    clock.advance(500);
    await expect(started).rejects.toThrow("journal did not start within 500 ms");
  });

  it("goes on stopping past a part that hangs or fails, and says so", async () => {
    const { calls, clock, log, lifecycle } = makeLifecycle({
      transport: { stop: never, stopMsMax: 500 },
      api: { stop: () => Promise.reject(new Error("odd")) },
    });
    await lifecycle.start();
    const stopped = lifecycle.stop();
    const result = expect(stopped).rejects.toThrow("odd");
    await Promise.resolve();
    while (!calls.includes("stop journal")) {
      clock.advance(500);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await result;
    expect(calls.at(-1)).toBe("stop journal");
    expect(log.messages).toEqual(["api did not stop cleanly", "transport did not stop cleanly"]);
  });
});
