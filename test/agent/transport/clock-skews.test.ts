import { describe, expect, it } from "vitest";
import { ClockSkews } from "#agent/transport/clock-skews.ts";
import { ManualClock } from "../../support/manual-clock.ts";

const probe = { type: "probe", nonce: 7, incarnation: 1, suspected: false } as const;
const ack = { type: "ack", nonce: 7, incarnation: 1 } as const;

describe("ClockSkews", () => {
  it("reads the other clock as of half a round trip ago", () => {
    const clock = new ManualClock();
    const skews = new ClockSkews(clock);
    expect(skews.sending("QmB", probe)).toBe(probe);
    clock.advance(40);
    skews.received("QmB", { ...ack, wallMs: clock.wallMs() - 20 + 3000 });
    expect([...skews.all()]).toEqual([["QmB", 3000]]);
  });

  it("tells the time with each ack, and with nothing else", () => {
    const clock = new ManualClock();
    expect(new ClockSkews(clock).sending("QmB", ack)).toEqual({ ...ack, wallMs: clock.wallMs() });
  });

  it.each([
    ["an older agent's ack", 10, ack],
    ["an ack to another probe", 10, { ...ack, nonce: 8, wallMs: 1 }],
    ["an ack that took too long", 1001, { ...ack, wallMs: 1 }],
  ])("learns nothing from %s", (_what, afterMs, answer) => {
    const clock = new ManualClock();
    const skews = new ClockSkews(clock);
    skews.sending("QmB", probe);
    clock.advance(afterMs);
    skews.received("QmB", answer);
    expect(skews.all().size).toBe(0);
  });
});
