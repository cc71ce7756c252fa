import { beforeEach, describe, expect, it } from "vitest";
import { defaultServiceParams } from "#lib/services/params.ts";
import { rendezvousOrder } from "#lib/services/rendezvous.ts";
import { runningDigest, type ScaleProposal } from "#lib/services/scale-proposal.ts";
import { Steward } from "#lib/services/steward.ts";
import { memberEntry } from "../../support/service-fixture.ts";
import { type ViewedHost, viewOf } from "../../support/service-view-fixture.ts";

/** In the service's order: `a` is the steward. */
const [a = "", b = "", c = "", d = "", e = "", f = ""] = rendezvousOrder("web", [
  "node-1",
  "node-2",
  "node-3",
  "node-4",
  "node-5",
  "node-6",
]);
const hosts = [a, b, c, d, e, f];
const running = { min: 2, max: 4 };
const settleMs = 20_000;
const spec = { running, settleMs };

/** All six, suspended unless told otherwise; those that run use little. */
function view(changes: Partial<Record<string, Partial<ViewedHost>>>, more: { self?: string } = {}) {
  const viewed = hosts.map((host) => {
    const change = changes[host] ?? {};
    const runs = change.state === "running" ? { cpuShare: 0.1, sessions: 0 } : {};
    return { host, ...runs, ...change };
  });
  return viewOf(viewed, { spec, self: a, ...more });
}

const runs = { state: "running" } as const;
const words = (proposals: readonly ScaleProposal[]) =>
  proposals.map(
    ({ change, host, replaces }) => `${change} ${host}${replaces ? ` for ${replaces}` : ""}`,
  );

describe("Steward", () => {
  let steward = new Steward(defaultServiceParams);

  beforeEach(() => {
    steward = new Steward(defaultServiceParams);
  });

  it("proposes nothing where another host is the first", () => {
    for (const self of hosts.slice(1)) {
      expect(new Steward(defaultServiceParams).look(view({}, { self }), 0)).toEqual([]);
    }
  });

  it("resumes at once what is missing to min, on the coldest hosts", () => {
    const cold = view({ [d]: { utilisation: 0.1 }, [c]: { utilisation: 0.2 } });
    const proposals = steward.look(cold, 0);
    expect(words(proposals)).toEqual([`run ${d}`, `run ${c}`]);
    expect(proposals[0]).toEqual({
      service: "web",
      change: "run",
      host: d,
      steward: a,
      document: { version: 3, hash: "cc" },
      changing: [c, d].sort(),
      runningDigest: runningDigest([], new Set(), []),
      replaces: null,
    });
  });

  it("takes the members of a host that is not live for lost", () => {
    const seen = view({ [b]: runs });
    const lost = memberEntry("node-9", { state: "running", cpuShare: 0.1 });
    const proposals = steward.look({ ...seen, members: [...seen.members, lost] }, 0);
    expect(proposals).toHaveLength(1);
    expect(proposals[0]?.runningDigest).toBe(
      runningDigest([{ ...lost, host: b }], new Set([b]), []),
    );
  });

  it("meets a crowd with several at once", () => {
    const full = { ...runs, cpuShare: 1 };
    expect(steward.look(view({ [b]: full, [c]: full }), 0)).toHaveLength(2);
    const waits = { ...view({ [b]: runs, [c]: runs }), queued: 5 };
    expect(new Steward(defaultServiceParams).look(waits, 0)).toHaveLength(1);
  });

  it("proposes so many at a time at most", () => {
    const few = new Steward({ ...defaultServiceParams, proposalsMax: 1 });
    expect(few.look(view({}), 0)).toHaveLength(1);
    expect(few.look(view({}), 100)).toEqual([]);
  });

  it("waits for an answer and for the gossip, and then for no more", () => {
    const [first] = steward.look(view({ [b]: runs }), 0);
    expect(steward.look(view({ [b]: runs }), 100)).toEqual([]);
    steward.answered(first?.host ?? "", null, 200);
    expect(steward.look(view({ [b]: runs }), 5_000)).toEqual([]);
    const come = view({ [b]: runs, [first?.host ?? ""]: { state: "resuming" } });
    expect(steward.look(come, 5_100)).toEqual([]);
    expect(steward.lastRefusal).toBe("");
  });

  it("has one that gave no answer asked by others, each in its turn, and later itself again", () => {
    const surplus = view({ [b]: runs, [c]: runs, [d]: runs, [e]: runs, [f]: runs });
    const asked = [0, 1_500, 3_500, 5_000, 7_000, 8_500, 32_000]
      .flatMap((atMs) => steward.look(surplus, atMs))
      .map(({ change, host, relay }) => [change, host, relay]);
    expect(asked).toEqual([
      ["rest", f, undefined],
      ["rest", f, b],
      ["rest", f, c],
      ["rest", f, undefined],
    ]);
  });

  it("asks the next host when one refuses, and says why it had to", () => {
    const cold = view({ [b]: runs, [d]: { utilisation: 0.1 }, [c]: { utilisation: 0.2 } });
    expect(words(steward.look(cold, 0))).toEqual([`run ${d}`]);
    steward.answered(d, "has 1 MiB free", 100);
    expect(steward.lastRefusal).toBe(`${d}: has 1 MiB free`);
    expect(words(steward.look(cold, 100))).toEqual([`run ${c}`]);
  });

  it("tries another when a resume fails on the way", () => {
    const cold = view({ [b]: runs, [d]: { utilisation: 0.1 } });
    steward.look(cold, 0);
    steward.answered(d, null, 100);
    const failed = view({ [b]: runs, [d]: { state: "discarding" } });
    expect(steward.look(failed, 1_000)).toHaveLength(1);
  });

  const fails = { ...runs, healthy: false } as const;

  it("resumes another for one that fails its health check, within max", () => {
    const cold = { [c]: { utilisation: 0.1 } };
    expect(words(steward.look(view({ [a]: runs, [b]: fails, ...cold }), 0))).toEqual([`run ${c}`]);
  });

  it("has one stand in above max, for all that fail together", () => {
    const most = { [a]: runs, [b]: fails, [d]: fails, [e]: runs };
    const three = view({ ...most, [c]: { utilisation: 0.1 } });
    const crowd = { ...three, queued: 9 };
    expect(words(steward.look(crowd, 0))).toEqual([`run ${c} for ${b}`]);
    const more = { ...view({ ...most, [c]: { state: "resuming" } }), queued: 9 };
    expect(steward.look(more, 1_000)).toEqual([]);
    const stands = { ...view({ ...most, [c]: runs }), queued: 9 };
    expect(steward.look(stands, 2_000)).toEqual([]);
  });

  it("suspends none of those that serve for those that fail", () => {
    const calm = view({ [a]: runs, [b]: runs, [c]: fails, [d]: fails });
    for (let nowMs = 0; nowMs < 3 * settleMs; nowMs += 1_000) {
      expect(steward.look(calm, nowMs)).toEqual([]);
    }
  });

  it("resumes none that failed when it began to drain", () => {
    const seen = view({ [b]: runs, [c]: { state: "draining", healthy: false } });
    expect(steward.look(seen, 0).map(({ host }) => host)).not.toContain(c);
  });

  it("suspends one on the hottest host after a calm", () => {
    const calm = view({ [b]: runs, [c]: { ...runs, utilisation: 0.9 }, [d]: runs });
    for (let nowMs = 0; nowMs < settleMs; nowMs += 1_000) {
      expect(steward.look(calm, nowMs)).toEqual([]);
    }
    expect(words(steward.look(calm, settleMs))).toEqual([`rest ${c}`]);
    expect(steward.look(calm, settleMs + 100)).toEqual([]);
  });

  it("has the calm to itself: a steward that is new waits", () => {
    const calm = { [b]: runs, [c]: runs, [d]: runs };
    steward.look(view(calm), 0);
    steward.look(view(calm, { self: f }), 1_000);
    expect(steward.look(view(calm), settleMs)).toEqual([]);
  });

  it("takes all that is above max away at once, from the end of the order", () => {
    const many = view({ [a]: runs, [b]: runs, [c]: runs, [d]: runs, [e]: runs, [f]: runs });
    expect(words(steward.look(many, 0))).toEqual([`rest ${f}`, `rest ${e}`]);
  });

  it("takes no other for surplus because one refuses", () => {
    const many = view({ [b]: runs, [c]: runs, [d]: runs, [e]: runs, [f]: runs });
    expect(words(steward.look(many, 0))).toEqual([`rest ${f}`]);
    steward.answered(f, "knows of other running members than the steward", 0);
    expect(steward.look(many, 100)).toEqual([]);
    expect(words(steward.look(many, defaultServiceParams.skipMs))).toEqual([`rest ${f}`]);
  });

  it("leaves min of those that serve now: what comes may fail", () => {
    const coming = { state: "resuming" } as const;
    const many = view({ [b]: runs, [c]: runs, [d]: coming, [e]: coming, [f]: coming });
    expect(steward.look(many, 0)).toEqual([]);
  });

  it("has another stand in before it suspends one that is unwelcome", () => {
    const old = { ...runs, outdated: true };
    const [proposal] = steward.look(view({ [b]: runs, [c]: old }), 0);
    expect(proposal).toMatchObject({ change: "run", replaces: c });
    const after = view({ [b]: runs, [c]: old, [proposal?.host ?? ""]: runs });
    expect(words(steward.look(after, 1_000))).toEqual([`rest ${c}`]);
  });

  it("does not send the one home that stands in for a member that cannot be suspended", () => {
    const full = { ...runs, draining: true, obstacle: "disk full" };
    for (const [max, others] of [
      [2, [b]],
      [4, [b, d]],
    ] as const) {
      const one = new Steward(defaultServiceParams);
      const seen = view({ [c]: full, ...Object.fromEntries(others.map((host) => [host, runs])) });
      const bounded = { ...seen, spec: { ...seen.spec, running: { min: 1, max } } };
      const asked = new Set<string>();
      for (let nowMs = 0; nowMs <= 2 * settleMs; nowMs += 1_000) {
        for (const proposal of one.look(bounded, nowMs)) {
          asked.add(`${proposal.change} ${proposal.host}`);
          one.answered(proposal.host, "could not be suspended: disk full", nowMs);
        }
      }
      expect([...asked]).toEqual([`rest ${c}`]);
    }
  });

  it("replaces one after the other", () => {
    const old = { ...runs, outdated: true };
    const three = view({ [b]: runs, [c]: old, [d]: old });
    expect(steward.look(three, 0)).toHaveLength(1);
    expect(steward.look(three, 100)).toEqual([]);
  });

  it("suspends an unwelcome one first where there is no room above", () => {
    const old = { ...runs, outdated: true, cpuShare: 0.5 };
    const busy = { ...runs, cpuShare: 0.5 };
    const full = view({ [b]: busy, [c]: busy, [d]: busy, [e]: old });
    expect(words(steward.look(full, 0))).toEqual([`rest ${e}`]);
  });

  it("carries out a shift: resumed there, suspended here", () => {
    const two = view({ [b]: runs, [c]: runs, [e]: { utilisation: 0.9 } });
    expect(steward.look(two, 0)).toEqual([]);
    expect(steward.shift({ from: c, to: e }, 0)).toBe(true);
    expect(steward.shift({ from: b, to: d }, 0)).toBe(false);
    expect(words(steward.look(two, 0))).toEqual([`run ${e} for ${c}`]);
    const three = view({ [b]: runs, [c]: runs, [e]: runs });
    expect(words(steward.look(three, 1_000))).toEqual([`rest ${c}`]);
    expect(steward.look(view({ [b]: runs, [e]: runs }), 2_000)).toEqual([]);
    expect(steward.shift({ from: b, to: d }, 2_000)).toBe(true);
  });

  it("tells the target of a shift up to which demand it pays, and nobody else", () => {
    const two = view({ [b]: runs, [c]: runs });
    steward.look(two, 0);
    steward.shift({ from: c, to: e, cpuCoresMax: 1.5 }, 0);
    expect(steward.look(two, 0)).toMatchObject([{ host: e, replaces: c, cpuCoresMax: 1.5 }]);
    const [rest] = steward.look(view({ [b]: runs, [c]: runs, [e]: runs }), 1_000);
    expect(rest).toMatchObject({ host: c, change: "rest" });
    expect(rest).not.toHaveProperty("cpuCoresMax");
  });

  it("waits for the target of a shift, and takes no other", () => {
    const two = view({ [b]: runs, [c]: runs, [e]: { utilisation: 0.9 } });
    expect(steward.look(two, 0)).toEqual([]);
    steward.shift({ from: c, to: e }, 0);
    expect(words(steward.look(two, 0))).toEqual([`run ${e} for ${c}`]);
    steward.answered(e, "no", 100);
    expect(steward.look(two, 1_000)).toEqual([]);
    expect(words(steward.look(two, 3_000))).toEqual([`run ${e} for ${c}`]);
  });

  it.each([
    ["the target does not begin in time", {}, 10_000],
    ["the member there resumes for ever", { state: "resuming" as const }, 60_000],
  ])("forgets a shift when %s", (_, target, overMs) => {
    const seen = view({ [b]: runs, [c]: runs, [e]: { freeMemoryBytes: 0, ...target } });
    steward.look(seen, 0);
    steward.shift({ from: c, to: e }, 0);
    expect(steward.look(seen, overMs - 1)).toEqual([]);
    expect(steward.shift({ from: b, to: d }, overMs - 1)).toBe(false);
    steward.look(seen, overMs);
    expect(steward.shift({ from: b, to: d }, overMs)).toBe(true);
  });

  it("goes one above the most for a shift where that is the least too, and takes back the right one", () => {
    const fixed = { spec: { running: { min: 2, max: 2 }, settleMs } };
    const see = (states: Parameters<typeof view>[0]) => ({
      ...view(states),
      spec: { ...view(states).spec, ...fixed.spec },
    });
    for (const [from, other] of [
      [b, c],
      [c, b],
    ] as const) {
      const one = new Steward(defaultServiceParams);
      one.look(see({ [b]: runs, [c]: runs }), 0);
      one.shift({ from, to: e }, 0);
      expect(words(one.look(see({ [b]: runs, [c]: runs }), 0))).toEqual([`run ${e} for ${from}`]);
      const three = see({ [b]: runs, [c]: runs, [e]: runs });
      expect(words(one.look(three, 1_000))).toEqual([`rest ${from}`]);
      one.answered(from, null, 1_100);
      expect(one.look(see({ [other]: runs, [e]: runs }), 2_000)).toEqual([]);
    }
  });

  it("suspends first where all are needed and there is no room above, and resumes at the target", () => {
    const busy = { ...runs, cpuShare: 0.5 };
    const full = view({ [b]: busy, [c]: busy, [d]: busy, [f]: busy, [e]: { utilisation: 0.9 } });
    steward.look(full, 0);
    steward.shift({ from: c, to: e }, 0);
    expect(words(steward.look(full, 0))).toEqual([`rest ${c}`]);
    steward.answered(c, null, 100);
    const three = { [b]: busy, [d]: busy, [f]: busy, [e]: { utilisation: 0.9 } };
    const rests = view({ ...three, [c]: { state: "draining" } });
    expect(words(steward.look(rests, 1_000))).toEqual([`run ${e} for ${c}`]);
  });

  it("forgets a shift that could not be begun", () => {
    const alone = view(Object.fromEntries(hosts.map((host) => [host, { draining: true }])));
    const two = { ...alone, members: view({ [b]: runs, [c]: runs }).members };
    expect(steward.look(two, 0)).toEqual([]);
    steward.shift({ from: c, to: e }, 0);
    expect(steward.look(view({ [b]: runs, [c]: runs }), 60_000)).toEqual([]);
  });
});
