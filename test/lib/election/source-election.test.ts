import { expect, test } from "vitest";
import { Prng } from "#lib/base/prng.ts";
import { defaultElectionParams as params } from "#lib/election/params.ts";
import { SourceElection } from "#lib/election/source-election.ts";

const election = (nowMs = 0) => new SourceElection({ prng: new Prng(1), params, nowMs });
const choices = ["b", "c", "d", "e", "f"].map((to) => ({ vm: "web", to: `node-${to}` }));

test("SourceElection.roundDue() comes once a round, a fifth earlier or later", () => {
  const source = election(5000);
  expect(source.nextTimeoutMs).toBeGreaterThanOrEqual(5000);
  expect(source.nextTimeoutMs).toBeLessThan(6000);
  const gaps = new Set<number>();
  for (let round = 0; round < 50; round++) {
    const dueMs = source.nextTimeoutMs;
    expect(source.roundDue(dueMs - 1)).toBe(false);
    expect(source.roundDue(dueMs)).toBe(true);
    expect(source.roundDue(dueMs)).toBe(false);
    const gapMs = source.nextTimeoutMs - dueMs;
    expect(gapMs).toBeGreaterThanOrEqual(800);
    expect(gapMs).toBeLessThanOrEqual(1200);
    gaps.add(gapMs);
  }
  expect(gaps.size).toBeGreaterThan(40);
});

test("SourceElection tries its eight best and then lets the round be", () => {
  const source = election();
  const nine = Array.from({ length: 9 }, (_, at) => ({ vm: "web", to: `node-${at}` }));
  expect(source.begin(nine, 1000)).toEqual(nine[0]);
  expect(source.open).toEqual(nine[0]);
  for (let at = 1; at < 8; at++) {
    expect(source.refused(`node-${at - 1}`, 1000 + at)).toEqual(nine[at]);
  }
  expect(source.refused("node-7", 1100)).toBeNull();
  expect(source.open).toBeNull();
});

test("SourceElection skips a host that refused for three seconds", () => {
  const source = election();
  source.begin(choices, 1000);
  source.refused("node-b", 1000);
  source.end();
  expect(source.skips("node-b", 3999)).toBe(true);
  expect(source.skips("node-b", 4000)).toBe(false);
  expect(source.begin(choices, 2000)).toEqual(choices[1]);
  source.end();
  expect(source.begin(choices, 4000)).toEqual(choices[0]);
});

test("SourceElection does not try a second VM on a host that refused the first", () => {
  const source = election();
  const found = [
    { vm: "web", to: "node-b" },
    { vm: "db", to: "node-b" },
    { vm: "db", to: "node-c" },
  ];
  source.begin(found, 0);
  expect(source.refused("node-b", 100)).toEqual(found[2]);
});

test("SourceElection looks no further while a proposal is open, and gives it up in time", () => {
  const source = election();
  source.begin(choices, 1000);
  expect(source.roundDue(2000)).toBe(false);
  expect(source.nextTimeoutMs).toBe(1000 + params.answerMs);
  expect(source.overdue(1000 + params.answerMs - 1)).toBeNull();
  expect(source.overdue(1000 + params.answerMs)).toEqual(choices[0]);
  expect(source.open).toBeNull();
  expect(source.skips("node-b", 2600)).toBe(true);
  expect(source.roundDue(2600)).toBe(true);
});

test("SourceElection is not moved by a refusal that it no longer waits for", () => {
  const source = election();
  source.begin(choices, 1000);
  expect(source.refused("node-z", 1100)).toBeNull();
  expect(source.open).toEqual(choices[0]);
  expect(source.skips("node-z", 1100)).toBe(true);
});

test("SourceElection.begin() of nothing opens nothing", () => {
  const source = election();
  expect(source.begin([], 1000)).toBeNull();
  expect(source.open).toBeNull();
  expect(source.overdue(9000)).toBeNull();
});

test("SourceElection forgets who refused, however many there are", () => {
  const source = election();
  for (let host = 0; host < 1000; host++) source.refused(`node-${host}`, 0);
  expect(source.skips("node-999", 1)).toBe(true);
  expect(source.skips("node-0", 1)).toBe(false);
});

/** Looks and finds nothing, so many times; the gaps between looks, ms. */
function idleGaps(source: SourceElection<(typeof choices)[number]>, looks: number): number[] {
  return Array.from({ length: looks }, () => {
    const dueMs = source.nextTimeoutMs;
    expect(source.roundDue(dueMs)).toBe(true);
    source.foundNothing();
    return source.nextTimeoutMs - dueMs;
  });
}

test("SourceElection.foundNothing() doubles the time to the next look, up to eight rounds", () => {
  const jitterMs = params.roundMs * params.roundJitterShare;
  for (const [at, gapMs] of idleGaps(election(), 6).entries()) {
    const rounds = [2, 4, 8][at] ?? 8;
    expect(Math.abs(gapMs - rounds * params.roundMs)).toBeLessThanOrEqual(jitterMs);
  }
});

test("SourceElection looks as often as before once it has found something", () => {
  const source = election();
  idleGaps(source, 5);
  const dueMs = source.nextTimeoutMs;
  expect(source.roundDue(dueMs)).toBe(true);
  source.begin(choices, dueMs);
  source.end();
  expect(source.nextTimeoutMs - dueMs).toBeLessThanOrEqual(1.2 * params.roundMs);
  const [gapMs = 0] = idleGaps(source, 1);
  expect(gapMs).toBeLessThanOrEqual(2.2 * params.roundMs);
});

test("SourceElection.lookBy() brings the next look forward, and never puts it off", () => {
  const source = election();
  const dueMs = source.nextTimeoutMs;
  source.lookBy(dueMs + 1);
  expect(source.nextTimeoutMs).toBe(dueMs);
  source.lookBy(dueMs - 1);
  expect(source.nextTimeoutMs).toBe(dueMs - 1);
  expect(source.roundDue(dueMs - 1)).toBe(true);
});

test("SourceElection.lookSoon() brings the next look near, not all at one moment", () => {
  const soon = new Set<number>();
  for (let seed = 0; seed < 20; seed++) {
    const source = new SourceElection({ prng: new Prng(seed), params, nowMs: 0 });
    idleGaps(source, 5);
    const nowMs = source.nextTimeoutMs - 7_000;
    source.lookSoon(nowMs);
    const afterMs = source.nextTimeoutMs - nowMs;
    expect(afterMs).toBeGreaterThanOrEqual(0);
    expect(afterMs).toBeLessThan(params.soonMs);
    soon.add(afterMs);
    // It was idle for lack of a slot, not for lack of anything to do.
    expect(idleGaps(source, 1)[0]).toBeLessThanOrEqual(2.2 * params.roundMs);
  }
  expect(soon.size).toBe(20);
});

test("SourceElection.lookSoon() puts no look off that is due earlier", () => {
  const source = election();
  const dueMs = source.nextTimeoutMs;
  source.lookSoon(dueMs);
  expect(source.nextTimeoutMs).toBe(dueMs);
});
