import { beforeEach, describe, expect, it } from "vitest";
import type { MemberState } from "#lib/services/member-entry.ts";
import { OpenChanges } from "#lib/services/open-changes.ts";
import { memberEntry } from "../../support/service-fixture.ts";

const params = { answerMs: 1_000, grantedMs: 5_000, skipMs: 3_000, skipSoonMs: 200 };
const host = "node-1";

describe("OpenChanges", () => {
  let open = new OpenChanges(params);
  const review = (state: MemberState, nowMs: number) =>
    open.review(new Map([[host, memberEntry(host, { state })]]), nowMs);

  beforeEach(() => {
    open = new OpenChanges(params);
    open.proposed(host, "run", 0);
  });

  it("asks a host once at a time", () => {
    expect(open.mayAsk(host)).toBe(false);
    expect(open.mayAsk("node-2")).toBe(true);
    expect(open.changeOf(host)).toBe("run");
    expect(open.hosts).toEqual([host]);
  });

  it("asks a host soon again that only had not heard the same", () => {
    open.answered(host, "soon", 100);
    expect(open.nextTimeoutMs).toBe(300);
    review("suspended", 299);
    expect(open.mayAsk(host)).toBe(false);
    review("suspended", 300);
    expect(open.mayAsk(host)).toBe(true);
    expect(open.nextTimeoutMs).toBeUndefined();
  });

  it("skips a host that refused, for a while", () => {
    open.answered(host, "refused", 100);
    expect(open.size).toBe(0);
    review("suspended", 3_099);
    expect(open.mayAsk(host)).toBe(false);
    review("suspended", 3_100);
    expect(open.mayAsk(host)).toBe(true);
  });

  it("takes no answer for a refusal", () => {
    review("suspended", 999);
    expect(open.size).toBe(1);
    review("suspended", 1_000);
    expect([open.size, open.mayAsk(host)]).toEqual([0, false]);
  });

  it("knows who gave no answer lately, and forgets it in time", () => {
    review("suspended", 1_000);
    expect(open.silences(host)).toBe(1);
    open.proposed(host, "run", 5_000);
    open.answered(host, "granted", 5_100);
    review("suspended", 20_000);
    expect(open.silences(host)).toBe(1);
    open.proposed(host, "run", 24_000);
    review("suspended", 25_000);
    expect(open.silences(host)).toBe(2);
    review("suspended", 31_000);
    expect(open.silences(host)).toBe(0);
  });

  it("waits longer for what was granted to be seen", () => {
    open.answered(host, "granted", 500);
    review("suspended", 5_499);
    expect(open.size).toBe(1);
    review("suspended", 5_500);
    expect(open.size).toBe(0);
  });

  it("ends a resume that is seen, or seen to have failed", () => {
    for (const state of ["resuming", "running", "discarding", "stale", "absent"] as const) {
      open.proposed(host, "run", 0);
      review(state, 1);
      expect([state, open.size]).toEqual([state, 0]);
      expect(open.mayAsk(host)).toBe(true);
    }
    open.proposed(host, "run", 0);
    review("draining", 1);
    expect(open.size).toBe(1);
  });

  it("ends a rest when the member does not count any more", () => {
    open.proposed(host, "rest", 0);
    review("running", 1);
    expect(open.size).toBe(1);
    review("draining", 2);
    expect(open.size).toBe(0);
  });

  it("forgets a host that is not live any more", () => {
    open.review(new Map(), 1);
    expect(open.size).toBe(0);
  });

  it("makes nothing of an answer that nobody waits for", () => {
    open.answered("node-2", "refused", 0);
    expect(open.mayAsk("node-2")).toBe(true);
    open.clear();
    expect(open.size).toBe(0);
  });
});
