import { describe, expect, it } from "vitest";
import { RequestLoad } from "../../../scripts/load/request-load.ts";
import { ManualClock } from "../../support/manual-clock.ts";

/** Answers only when told to. */
function heldSender() {
  const held: ((loss: string) => void)[] = [];
  const send = () => new Promise<string>((settle) => held.push(settle));
  return { held, send, close: () => undefined };
}

function loadOf(perSecond: number, inFlightMax = 100) {
  const clock = new ManualClock();
  const sender = heldSender();
  const load = new RequestLoad({
    sender,
    rateAt: () => perSecond,
    limitMs: 1_000,
    inFlightMax,
    clock,
  });
  load.start();
  return { clock, sender, load };
}

/** Answers have their say. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

describe("RequestLoad", () => {
  it("sends on time whatever the answers do", () => {
    const { clock, sender, load } = loadOf(10);
    clock.advance(2_000);
    expect(sender.held).toHaveLength(20);
    expect(load.inFlight).toBe(20);
  });

  it("counts latency from the time at which a request was due", async () => {
    const { clock, sender, load } = loadOf(2);
    clock.advance(900);
    sender.held[0]?.("");
    await settled();
    expect(load.totals()).toMatchObject({ requests: 1, ok: 1, p99Ms: 400 });
  });

  it("sends what became due while it slept, late, and says how late", async () => {
    const clock = new ManualClock();
    const sender = heldSender();
    // A timer that fires three seconds too late, as of a starved process.
    const starved = {
      nowMs: () => clock.nowMs(),
      wallMs: () => clock.wallMs(),
      after: (ms: number, wake: () => void) => clock.after(ms + 3_000, wake),
    };
    const load = new RequestLoad({ sender, rateAt: () => 1, limitMs: 10_000, clock: starved });
    load.start();
    clock.advance(4_000);
    expect(sender.held).toHaveLength(4);
    expect(load.lateMsMax).toBe(3_000);
    for (const answer of sender.held) answer("");
    await settled();
    expect(load.totals().maxMs).toBe(3_000);
  });

  it("bounds what is under way, and counts what it did not send as lost", () => {
    const { clock, sender, load } = loadOf(10, 5);
    clock.advance(1_000);
    expect(sender.held).toHaveLength(5);
    expect(load.totals().lostBy).toEqual({ crowded: 5 });
  });

  it("counts what was lost by kind, and stops once all have ended", async () => {
    const { clock, sender, load } = loadOf(4);
    clock.advance(1_000);
    const stopped = load.stop();
    clock.advance(5_000);
    for (const [index, answer] of sender.held.entries()) answer(index < 3 ? "" : "ECONNRESET");
    await stopped;
    expect(clock.waiting).toBe(0);
    expect(load.totals()).toMatchObject({ requests: 4, ok: 3, lostBy: { ECONNRESET: 1 } });
  });

  it("has no seconds after its stop: nobody asked in them", async () => {
    const { clock, sender, load } = loadOf(4);
    clock.advance(2_100);
    const stopped = load.stop();
    clock.advance(5_000);
    for (const answer of sender.held) answer("");
    await stopped;
    expect(load.seconds().map(({ requests }) => requests)).toEqual([3, 4]);
  });
});
