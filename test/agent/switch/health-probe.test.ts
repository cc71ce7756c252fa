import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { awaitHealthy } from "#agent/switch/health-probe.ts";
import type { HealthAnswer, HealthTarget } from "#agent/switch/health-request.ts";
import { ManualClock } from "../../support/manual-clock.ts";

const target: HealthTarget = { address: "192.0.2.1", port: 80, path: "/health" };
const bad: HealthAnswer = { isHealthy: false, isLate: false, words: "ECONNREFUSED" };
const good: HealthAnswer = { isHealthy: true, isLate: false, words: "status 200" };

/** What happens to one try: an answer after so long, or none at all. */
interface Step {
  readonly answer: HealthAnswer | null;
  readonly afterMs: number;
}

/** A member that answers as told, on a clock that runs by itself from timer to timer. */
function bench(steps: (tryNumber: number) => Step, signal = new AbortController().signal) {
  const clock = new ManualClock();
  const tries: { atMs: number; limitMs: number }[] = [];
  let underWay = 0;
  const ask = async (_: HealthTarget, options: { limitMs: number }): Promise<HealthAnswer> => {
    underWay += 1;
    expect(underWay).toBe(1);
    tries.push({ atMs: clock.nowMs(), limitMs: options.limitMs });
    const { answer, afterMs } = steps(tries.length);
    const isLate = answer === null || afterMs > options.limitMs;
    clock.advance(isLate ? options.limitMs : afterMs);
    underWay -= 1;
    return isLate ? { isHealthy: false, isLate, words: "no answer" } : answer;
  };
  const awaited = (withinMs: number, timeoutMs = 1000) => {
    const result = awaitHealthy(target, { clock, timeoutMs, withinMs, ask }, signal);
    return driven(clock, result);
  };
  return { clock, tries, awaited };
}

/** Lets time pass for as long as `promise` waits for nothing else. */
async function driven<Value>(clock: ManualClock, promise: Promise<Value>): Promise<Value> {
  let isOver = false;
  const over = (): void => {
    isOver = true;
  };
  promise.then(over, over);
  while (!isOver) {
    for (let turn = 0; turn < 100; turn += 1) await Promise.resolve();
    if (!isOver) clock.advance(1);
  }
  return promise;
}

describe("awaitHealthy()", () => {
  it("resolves at the first good answer with how long it took", async () => {
    const { awaited, clock } = bench(() => ({
      answer: good,
      afterMs: 3,
    }));
    expect(await awaited(1000)).toEqual({ tookMs: 3, tries: 1 });
    expect(clock.waiting).toBe(0);
  });

  it("tries again 10 ms after the last try began when that failed at once", async () => {
    const { awaited, tries } = bench((count) => ({
      answer: count < 5 ? bad : good,
      afterMs: 1,
    }));
    expect(await awaited(1000)).toEqual({ tookMs: 41, tries: 5 });
    expect(tries.map(({ atMs }) => atMs)).toEqual([0, 10, 20, 30, 40]);
  });

  it("tries again at once when the last try took longer", async () => {
    const { awaited, tries } = bench((count) => ({
      answer: count < 3 ? bad : good,
      afterMs: 25,
    }));
    await awaited(1000);
    expect(tries.map(({ atMs }) => atMs)).toEqual([0, 25, 50]);
  });

  it("gives a try that hangs up early, and later ones longer, up to the limit", async () => {
    const { awaited, tries } = bench(() => ({ answer: null, afterMs: 0 }));
    const error = await awaited(3000, 200).catch((reason: unknown) => reason);
    expect(tries.slice(0, 4).map(({ limitMs }) => limitMs)).toEqual([40, 160, 200, 200]);
    // Between tries that had all their time there is a rest.
    expect(tries.slice(0, 4).map(({ atMs }) => atMs)).toEqual([0, 40, 200, 500]);
    expect(error).toMatchObject({ code: "MEMBER_UNHEALTHY" });
  });

  it("hears a member that is well but slow", async () => {
    const { awaited } = bench(() => ({
      answer: good,
      afterMs: 300,
    }));
    expect(await awaited(5000)).toEqual({ tookMs: 40 + 160 + 300, tries: 3 });
  });

  it("ends at its deadline with the last answer, and never asks beyond it", async () => {
    const { awaited, tries, clock } = bench(() => ({
      answer: { ...bad, words: "status 503" },
      afterMs: 7,
    }));
    const error = await awaited(95).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "MEMBER_UNHEALTHY" });
    expect((error as Error).message).toBe(
      "health of the member at 192.0.2.1:80/health: not well after 10 tries in 95 ms; its last answer: status 503",
    );
    expect(tries.at(-1)).toEqual({ atMs: 90, limitMs: 5 });
    expect(clock.waiting).toBe(0);
  });

  it("leaves nothing behind at a signal that lives as long as the agent", async () => {
    const controller = new AbortController();
    const { awaited } = bench((count) => {
      return { answer: count < 4 ? bad : good, afterMs: 1 };
    }, controller.signal);
    await awaited(1000);
    expect(getEventListeners(controller.signal, "abort")).toEqual([]);
  });

  it("stops when told to, also between two tries", async () => {
    const controller = new AbortController();
    const { awaited, tries, clock } = bench((count) => {
      if (count === 3) clock.after(5, () => controller.abort());
      return { answer: bad, afterMs: 1 };
    }, controller.signal);
    const error = await awaited(1000).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "ABORTED" });
    expect(tries).toHaveLength(3);
    expect(clock.waiting).toBe(0);
  });

  it.each([
    { ...target, path: "health" },
    { ...target, path: "/a b" },
    { ...target, path: "/a\r\nX: y" },
    { ...target, port: 0 },
    { ...target, address: "" },
  ])("does not ask at %o", async (where) => {
    const clock = new ManualClock();
    const { signal } = new AbortController();
    const asked = awaitHealthy(where, { clock, timeoutMs: 100, withinMs: 100 }, signal);
    await expect(asked).rejects.toMatchObject({ code: "BAD_TARGET" });
  });
});
