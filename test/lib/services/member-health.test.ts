import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { type HealthInput, MemberHealth } from "#lib/services/member-health.ts";

const params = { healthEveryMs: 1_000, healthMissesMax: 3 };

describe("MemberHealth", () => {
  let health = new MemberHealth(params);
  beforeEach(() => {
    health = new MemberHealth(params);
    health.handle({ type: "serves" }, 0);
  });

  const ask = (nowMs: number) => health.handle({ type: "timeout" }, nowMs);
  const answer = (problem: string | null, nowMs: number) =>
    health.handle({ type: "answered", problem }, nowMs);

  it("is asked once a second while the member serves, and never twice at a time", () => {
    expect(health.nextTimeoutMs).toBe(1_000);
    expect(ask(999)).toBeNull();
    expect(ask(1_000)).toBe("ask");
    expect(health.nextTimeoutMs).toBeUndefined();
    expect(ask(5_000)).toBeNull();
    answer(null, 5_000);
    expect(health.nextTimeoutMs).toBe(5_000);
    expect(ask(5_000)).toBe("ask");
    answer(null, 5_020);
    expect(health.nextTimeoutMs).toBe(6_000);
    health.handle({ type: "rests" }, 5_500);
    expect(health.nextTimeoutMs).toBeUndefined();
  });

  it("falls after three misses in a row, once, and rises with one good answer", () => {
    const heard = ["late", "late", null, "late", "late", "status 500", "late", null, null].map(
      (problem, at) => {
        ask(1_000 * (at + 1));
        return answer(problem, 1_000 * (at + 1) + 10);
      },
    );
    expect(heard).toEqual([null, null, null, null, null, "fell", null, "rose", null]);
  });

  it("tells what it failed with, and since when it has been fallen", () => {
    for (const at of [1_000, 2_000, 3_000]) {
      expect(health.fallenSinceMs).toBeUndefined();
      expect(health.problem).toBe("");
      ask(at);
      answer(`miss at ${at}`, at + 5);
    }
    expect(health.fallenSinceMs).toBe(3_005);
    expect(health.problem).toBe("miss at 3000");
  });

  it("forgets all when the member rests, and an answer about an earlier run", () => {
    for (const at of [1_000, 2_000, 3_000]) {
      ask(at);
      answer("late", at + 5);
    }
    ask(4_000);
    health.handle({ type: "rests" }, 4_100);
    expect(health.fallenSinceMs).toBeUndefined();
    health.handle({ type: "serves" }, 4_200);
    expect(health.nextTimeoutMs).toBeUndefined();
    expect(answer("late", 4_900)).toBeNull();
    expect(health.nextTimeoutMs).toBe(5_200);
    for (const at of [5_200, 6_200]) {
      ask(at);
      expect(answer("late", at + 5)).toBeNull();
    }
  });

  it("keeps to one question at a time, whatever happens", () => {
    const happening = fc.constantFrom("serves", "rests", "timeout", "good", "bad");
    fc.assert(
      fc.property(fc.array(fc.tuple(happening, fc.nat(2_000))), (happenings) => {
        const one = new MemberHealth(params);
        let nowMs = 0;
        let asked = 0;
        for (const [what, passedMs] of happenings) {
          nowMs += passedMs;
          const input = inputOf(what);
          const isAnswer = input.type === "answered";
          if (isAnswer && asked === 0) continue;
          asked += Number(one.handle(input, nowMs) === "ask") - Number(isAnswer);
          expect(asked).toBeLessThanOrEqual(1);
        }
      }),
    );
  });
});

function inputOf(what: "serves" | "rests" | "timeout" | "good" | "bad"): HealthInput {
  if (what === "good") return { type: "answered", problem: null };
  return what === "bad" ? { type: "answered", problem: "late" } : { type: what };
}
