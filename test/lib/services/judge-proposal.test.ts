import { describe, expect, it } from "vitest";
import { type OwnStanding, refusalOf } from "#lib/services/judge-proposal.ts";
import type { MemberState } from "#lib/services/member-entry.ts";
import { rendezvousOrder, stewardOf } from "#lib/services/rendezvous.ts";
import { runningDigest, type ScaleProposal } from "#lib/services/scale-proposal.ts";
import { type ViewedHost, viewOf } from "../../support/service-view-fixture.ts";

const MIB = 2 ** 20;
const [steward = "", second = "", self = "", other = "", third = ""] = rendezvousOrder("web", [
  "node-1",
  "node-2",
  "node-3",
  "node-4",
  "node-5",
]);

/** The steward, one more and another run; `self` is what the row says. */
function judged(
  change: "run" | "rest",
  {
    state = change === "run" ? "suspended" : "running",
    others = {},
    proposal = {},
    own = {},
    stewardSees = [steward, second],
    spec = {},
  }: {
    state?: MemberState;
    others?: Partial<Record<string, MemberState>>;
    proposal?: Partial<ScaleProposal>;
    own?: Partial<OwnStanding>;
    /** Hosts whose members run, as the steward sees it. */
    stewardSees?: readonly string[];
    spec?: { running?: { min: number; max: number } };
  },
): string | null {
  const hosts: ViewedHost[] = [
    { host: self, state },
    { host: steward, state: "running" },
    { host: second, state: "resuming" },
    { host: other },
    { host: third },
  ].map((one) => ({ ...one, state: others[one.host] ?? one.state ?? "suspended" }) as ViewedHost);
  const view = viewOf(hosts, { spec: { running: { min: 2, max: 3 }, ...spec } });
  const seen = viewOf(stewardSees.map((host) => ({ host, state: "running" })));
  const changing = proposal.changing ?? [self];
  return refusalOf(
    {
      service: "web",
      change,
      host: self,
      steward,
      document: { version: 3, hash: "cc" },
      changing,
      runningDigest: runningDigest(seen.members, new Set(stewardSees), changing),
      replaces: null,
      ...proposal,
    },
    view,
    {
      draining: false,
      freeMemoryBytes: 256 * MIB,
      cpuCores: 2,
      restRefusal: null,
      knowsAll: true,
      ...own,
    },
  );
}

describe("refusalOf()", () => {
  it("is null where nothing is in the way", () => {
    expect(judged("run", {})).toBe(null);
    expect(judged("rest", {})).toBe(null);
  });

  it("names another state of the document", () => {
    const older = { document: { version: 2, hash: "cc" } };
    expect(judged("run", { proposal: older })).toMatch(/version 3 .* the steward at 2/);
    expect(judged("rest", { proposal: { document: { version: 3, hash: "dd" } } })).not.toBe(null);
  });

  it("names the host that outranks the steward", () => {
    const outranked = judged("run", { proposal: { steward: second } });
    expect(outranked).toBe(`takes ${steward} for the steward, not ${second}`);
  });

  it("takes a steward that speaks for live, though it did not know it to be", () => {
    const strangers = Array.from({ length: 50 }, (_, at) => `stranger-${at}`);
    const first = stewardOf("web", [...strangers, steward]);
    const last = rendezvousOrder("web", [...strangers, steward]).at(-1);
    expect(judged("run", { proposal: { steward: first ?? "" } })).toBe(null);
    expect(judged("run", { proposal: { steward: last ?? "" } })).not.toBe(null);
  });

  it("resumes nothing on a drained host, nor what is not suspended", () => {
    expect(judged("run", { own: { draining: true } })).toBe("is being drained");
    for (const state of ["absent", "staging", "stale", "running", "suspending"] as const) {
      expect(judged("run", { state })).toBe(`has a member that is ${state}, not suspended`);
    }
  });

  it("resumes within the memory that the ledger has left, and what still drains has its own", () => {
    const own = { freeMemoryBytes: 255 * MIB };
    expect(judged("run", { own })).toBe("has 255 MiB free, the member needs 256");
    expect(judged("run", { own, state: "draining" })).toBe(null);
  });

  it("lets rest what runs, and what can be suspended", () => {
    expect(judged("rest", { state: "resuming" })).toMatch(/is resuming, not running/);
    expect(judged("rest", { own: { restRefusal: "disk full" } })).toBe("disk full");
  });

  it("refuses a steward that sees other members run", () => {
    const words = "knows of other running members than the steward";
    expect(judged("run", { others: { [other]: "running" } })).toBe(words);
    expect(judged("run", { stewardSees: [steward, second, third] })).toBe(words);
    expect(judged("rest", { others: { [second]: "draining" } })).toBe(words);
  });

  it("looks past members that the steward is changing, whatever they are by now", () => {
    const changing = [self, other];
    for (const state of ["suspended", "resuming", "running"] as const) {
      expect(judged("run", { others: { [other]: state }, proposal: { changing } })).toBe(null);
    }
  });

  it("leaves the running set to the steward where it knows but a sample", () => {
    const own = { knowsAll: false };
    expect(judged("run", { own, others: { [other]: "running" } })).toBe(null);
  });

  it("keeps min and max by what it knows itself", () => {
    const spec = { running: { min: 3, max: 3 } };
    expect(judged("rest", { spec })).toBe("knows of 2 other running members, and 3 is the least");
    const full = { running: { min: 0, max: 2 } };
    expect(judged("run", { spec: full })).toBe(
      "knows of 2 other running members, and 2 is the most",
    );
  });

  it("lets one stand in for another where max is reached", () => {
    const spec = { running: { min: 2, max: 2 } };
    expect(judged("run", { spec, proposal: { replaces: second } })).toBe(null);
    expect(judged("run", { spec, proposal: { replaces: other } })).not.toBe(null);
  });

  it("takes a shift up to the CPU demand that it pays for, and no other proposal minds", () => {
    const proposal = { replaces: second, cpuCoresMax: 2 };
    expect(judged("run", { proposal })).toBeNull();
    expect(judged("run", { proposal, own: { cpuCores: 2.1 } })).toBe(
      "is asked for 2.1 cores, and beyond 2.0 the shift does not pay",
    );
    expect(judged("run", { own: { cpuCores: 100 } })).toBeNull();
  });
});
