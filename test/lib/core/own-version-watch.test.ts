import { describe, expect, it } from "vitest";
import { Outbox } from "#lib/core/outbox.ts";
import { OwnVersionWatch } from "#lib/core/own-version-watch.ts";
import type { Self } from "#lib/core/self.ts";

/** A watch of a host at incarnation 5, seq 7, which goes as far as `limit` at most. */
function watched(limit = Number.POSITIVE_INFINITY) {
  const membership = {
    incarnation: 5,
    raiseIncarnation(to: number): number {
      if (to <= limit) this.incarnation = Math.max(this.incarnation, to);
      return this.incarnation;
    },
  };
  const self = { cloneUntilMs: 0 } as Self;
  const outbox = new Outbox();
  const watch = new OwnVersionWatch({ self, outbox, membership, records: { seq: 7 } });
  const heard = (incarnation: number, seq: number, nowMs = 1_000): number | undefined =>
    watch.heard({ incarnation, seq }, nowMs);
  return { heard, self, outbox };
}

describe("OwnVersionWatch", () => {
  it("leaves what this host has said itself alone", () => {
    const { heard } = watched();
    expect([heard(5, 7), heard(5, 1), heard(4, 99)]).toEqual([undefined, undefined, undefined]);
  });

  it("goes past what is newer, and past no more than a host can have come to", () => {
    expect(watched().heard(5, 8)).toBe(6);
    expect(watched().heard(9, 0)).toBe(10);
    expect(watched(8).heard(9, 0)).toBeUndefined();
  });

  it("suspects a clone at the third time within a minute, and says so once while it lasts", () => {
    const { heard, self, outbox } = watched();
    for (const [times, nowMs] of [1_000, 30_000, 60_999, 61_500].entries()) {
      heard(10 + times * 10, 0, nowMs);
      expect(self.cloneUntilMs).toBe(times < 2 ? 0 : nowMs + 60_000);
    }
    const notices = outbox.take().filter(({ type }) => type === "notice");
    expect(notices).toMatchObject([{ notice: { level: "error", code: "clone" } }]);
  });

  it("does not add up what is a minute apart", () => {
    const { heard, self } = watched();
    for (const [times, nowMs] of [1_000, 30_000, 61_000, 95_000].entries()) {
      heard(10 + times * 10, 0, nowMs);
    }
    expect(self.cloneUntilMs).toBe(0);
  });
});
