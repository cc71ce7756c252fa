import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Prng } from "#lib/base/prng.ts";
import type { ServiceTarget } from "#lib/model/service.ts";
import { defaultServiceParams as params } from "#lib/services/params.ts";
import { demandOf, Scaling, type ScalingInput } from "#lib/services/scaling.ts";

const cpu: ServiceTarget = { kind: "cpuShare", share: 0.5 };
const settleMs = 20_000;

function input(changes: {
  shares?: readonly (number | null)[];
  sessions?: readonly (number | null)[];
  coming?: number;
  queued?: number;
  target?: ServiceTarget;
  running?: { min: number; max: number };
}): ScalingInput {
  const { shares = [], sessions = [], coming = 0, queued = 0, target = cpu } = changes;
  const running = Array.from({ length: Math.max(shares.length, sessions.length) }, (_, at) => ({
    cpuShare: shares[at] ?? null,
    sessions: sessions[at] ?? null,
  }));
  const spec = { running: changes.running ?? { min: 1, max: 10 }, target, settleMs };
  return { spec, running, coming, queued };
}

/** The last of what is wanted while `one` is looked at every second of `forMs`. */
function wantedAfter(forMs: number, one: ScalingInput): number {
  const scaling = new Scaling(params);
  let wanted = 0;
  for (let nowMs = 0; nowMs <= forMs; nowMs += 1_000) wanted = scaling.wanted(one, nowMs);
  return wanted;
}

describe("demandOf()", () => {
  const perMember: ServiceTarget = { kind: "sessions", perMember: 10 };

  it("is the members' load over the target", () => {
    expect(demandOf(input({ shares: [0.5, 0.25, null] }))).toBe(1.5);
    expect(demandOf(input({ sessions: [10, 25], target: perMember }))).toBe(3.5);
    expect(demandOf(input({}))).toBe(0);
  });

  it("counts who waits at the switch", () => {
    expect(demandOf(input({ sessions: [10], queued: 30, target: perMember }))).toBe(4);
    expect(demandOf(input({ shares: [1], sessions: [10], queued: 10 }))).toBe(4);
    // Bounded, and at least one more than there are.
    expect(demandOf(input({ shares: [1], sessions: [1], queued: 1_000 }))).toBe(8);
    expect(demandOf(input({ shares: [0.1, 0.1], queued: 1 }))).toBe(3);
  });
});

describe("Scaling", () => {
  it("wants at least min and at most max, whatever the load", () => {
    const running = { min: 2, max: 4 };
    expect(new Scaling(params).wanted(input({ running }), 0)).toBe(2);
    expect(new Scaling(params).wanted(input({ shares: [1, 1, 1], running }), 0)).toBe(4);
    const many = input({ shares: [0, 0, 0, 0, 0, 0], running });
    expect(new Scaling(params).wanted(many, 0)).toBe(4);
  });

  it("goes up at once, and by several when the demand says so", () => {
    expect(new Scaling(params).wanted(input({ shares: [0.6] }), 0)).toBe(2);
    expect(new Scaling(params).wanted(input({ shares: [1, 1, 0.9] }), 0)).toBe(6);
  });

  it("counts those that are coming, and lets them take their part before it adds more", () => {
    const scaling = new Scaling(params);
    expect(scaling.wanted(input({ shares: [1] }), 0)).toBe(2);
    expect(scaling.wanted(input({ shares: [1], coming: 1 }), 500)).toBe(2);
    expect(scaling.wanted(input({ shares: [1, 1] }), 1_000)).toBe(2);
    expect(scaling.wanted(input({ shares: [1, 1] }), 2_000)).toBe(4);
  });

  it("goes down by one, after a calm of the settle time, and by one more after another", () => {
    const calm = input({ shares: [0.1, 0.1, 0.1] });
    expect(wantedAfter(settleMs - 1_000, calm)).toBe(3);
    expect(wantedAfter(settleMs, calm)).toBe(2);
    const scaling = new Scaling(params);
    for (let nowMs = 0; nowMs < settleMs; nowMs += 1_000) scaling.wanted(calm, nowMs);
    expect(scaling.wanted(calm, settleMs)).toBe(2);
    const fewer = input({ shares: [0.15, 0.15] });
    expect(scaling.wanted(fewer, settleMs + 1_000)).toBe(2);
    expect(scaling.wanted(fewer, 2 * settleMs)).toBe(2);
    expect(scaling.wanted(fewer, 2 * settleMs + 1_000)).toBe(1);
  });

  describe("members that come which it did not ask for, as after a partition", () => {
    const two = input({ shares: [0.1, 0.1] });
    const three = input({ shares: [0.1, 0.1, 0.1] });

    /** After two of which it knew, at 15 s. */
    function surprised(): Scaling {
      const scaling = new Scaling(params);
      for (let nowMs = 0; nowMs < 15_000; nowMs += 1_000) scaling.wanted(two, nowMs);
      expect(scaling.wanted(three, 15_000)).toBe(3);
      return scaling;
    }

    it("go after a moment when nobody needs them", () => {
      const scaling = surprised();
      const goMs = 15_000 + params.surplusCalmMs;
      expect(scaling.wanted(three, goMs - 1)).toBe(3);
      expect(scaling.wanted(three, goMs)).toBe(2);
      // What it had decided on before keeps its whole calm, and that begins anew.
      expect(scaling.wanted(two, goMs + 1_000)).toBe(2);
      expect(scaling.wanted(two, goMs + settleMs)).toBe(2);
      expect(scaling.wanted(two, goMs + 1_000 + settleMs)).toBe(1);
    });

    it("have the whole calm once they were needed", () => {
      const scaling = surprised();
      expect(scaling.wanted(input({ shares: [0.4, 0.4, 0.4] }), 16_000)).toBe(3);
      expect(scaling.wanted(three, 17_000)).toBe(3);
      expect(scaling.wanted(three, 17_000 + settleMs - 1)).toBe(3);
      expect(scaling.wanted(three, 17_000 + settleMs)).toBe(2);
    });

    it("have the whole calm when they were only away", () => {
      const scaling = new Scaling(params);
      scaling.wanted(three, 0);
      scaling.wanted(two, 1_000);
      expect(scaling.wanted(three, 2_000)).toBe(3);
      expect(scaling.wanted(three, 2_000 + settleMs - 1)).toBe(3);
      expect(scaling.wanted(three, 2_000 + settleMs)).toBe(2);
    });
  });

  it("stays where one less would be close to the target", () => {
    expect(wantedAfter(settleMs, input({ shares: [0.22, 0.22] }))).toBe(2);
    expect(wantedAfter(settleMs, input({ shares: [0.21, 0.21] }))).toBe(1);
  });

  it("does not go down on figures that it does not have, nor while a member comes", () => {
    expect(wantedAfter(settleMs, input({ shares: [0.1, 0.1, null] }))).toBe(3);
    expect(wantedAfter(settleMs, input({ shares: [0.1, 0.1], coming: 1 }))).toBe(3);
  });

  it("takes no calm for one that is shorter than a moment", () => {
    const hasty = input({ shares: [0.1, 0.1] });
    const spec = { ...hasty.spec, settleMs: 100 };
    expect(wantedAfter(params.calmMsMin - 1_000, { ...hasty, spec })).toBe(2);
    expect(wantedAfter(params.calmMsMin, { ...hasty, spec })).toBe(1);
  });

  it("changes twice at most while a load swings by 30 % every 10 s for 5 minutes", () => {
    const swing = fc.record({
      load: fc.double({ min: 0.1, max: 4, noNaN: true }),
      offsetMs: fc.integer({ min: 0, max: 20_000 }),
      settleMs: fc.integer({ min: 100, max: 60_000 }),
    });
    fc.assert(
      fc.property(swing, ({ load, offsetMs, settleMs: ownSettleMs }) => {
        const scaling = new Scaling(params);
        let count = Math.min(10, Math.ceil(load / 0.5));
        let changes = 0;
        for (let nowMs = 0; nowMs < 300_000; nowMs += 1_000) {
          const high = Math.floor((nowMs + offsetMs) / 10_000) % 2 === 0;
          const share = Math.min(1, (load * (high ? 1.3 : 0.7)) / count);
          const look = input({ shares: new Array(count).fill(share) });
          const wanted = scaling.wanted(
            { ...look, spec: { ...look.spec, settleMs: ownSettleMs } },
            nowMs,
          );
          if (wanted !== count) changes++;
          count = wanted;
        }
        expect(changes).toBeLessThanOrEqual(2);
      }),
    );
  });
});

describe("Scaling by sessions, which come by chance", () => {
  /** Sessions under way at one instant, where there are `mean` on average (Knuth's method). */
  function poisson(prng: Prng, mean: number): number {
    const end = Math.exp(-mean);
    let count = -1;
    for (let product = 1; product > end; count += 1) product *= prng.nextShare();
    return count;
  }

  /** How often members come and go in ten minutes of a steady load, in members' worth. */
  function changesUnder(load: number, perMember: number, seed: number) {
    const prng = new Prng(`chance.${seed}`);
    const scaling = new Scaling(params);
    const target: ServiceTarget = { kind: "sessions", perMember };
    let members = 1;
    let [ups, downs] = [0, 0];
    for (let nowMs = 0; nowMs < 600_000; nowMs += 1_000) {
      const total = poisson(prng, load * perMember);
      const sessions = Array.from({ length: members }, (_, at) =>
        Math.floor((total + at) / members),
      );
      const wanted = scaling.wanted(input({ sessions, target }), nowMs);
      if (wanted > members) ups += wanted - members;
      if (wanted < members) downs += 1;
      members = wanted;
    }
    return { ups, downs };
  }

  it.each([8, 20, 60])(
    "hardly suspends whom a steady load needs again (%i a member)",
    (perMember) => {
      for (const load of [0.3, 0.45, 0.5, 0.9, 1.1, 1.3, 1.7, 1.9, 2.1]) {
        const all = Array.from({ length: 10 }, (_, seed) => changesUnder(load, perMember, seed));
        const downs = all.filter((changes) => changes.downs > 0);
        // Of ten times ten minutes.
        expect([load, downs.length]).toEqual([load, Math.min(downs.length, 3)]);
        for (const { ups } of all) expect(ups).toBeLessThanOrEqual(Math.ceil(load) + 1);
      }
    },
  );

  it("sees a crowd in the first look", () => {
    const target: ServiceTarget = { kind: "sessions", perMember: 8 };
    const scaling = new Scaling(params);
    for (let nowMs = 0; nowMs < 10_000; nowMs += 1_000) {
      expect(scaling.wanted(input({ sessions: [4], target }), nowMs)).toBe(1);
    }
    expect(scaling.wanted(input({ sessions: [20], target }), 10_000)).toBe(3);
  });

  it("meets a load that is a little more than runs once it lasts", () => {
    const target: ServiceTarget = { kind: "sessions", perMember: 8 };
    const scaling = new Scaling(params);
    const wanted = [4, 4, 10, 10, 10, 10, 10].map((sessions, second) =>
      scaling.wanted(input({ sessions: [sessions], target }), second * 1_000),
    );
    expect(wanted).toEqual([1, 1, 1, 1, 1, 2, 2]);
  });
});
