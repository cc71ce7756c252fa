/** Each checker is shown the bug that it is there to catch, beside the like that is none. */
import { describe, expect, it } from "vitest";
import type { Effect, JournalEntry } from "#lib/core/effects.ts";
import { journalEntry } from "#lib/core/journal-keys.ts";
import type { CopyState } from "#lib/model/copy.ts";
import type { SummaryRecord } from "#lib/model/record.ts";
import type { Checker } from "#lib/simulation/checkers/checker.ts";
import { FrozenBound } from "#lib/simulation/checkers/frozen-bound.ts";
import { GuestContinuity } from "#lib/simulation/checkers/guest-continuity.ts";
import { MemoryAtGrant } from "#lib/simulation/checkers/memory-at-grant.ts";
import { NeverLost } from "#lib/simulation/checkers/never-lost.ts";
import { OneOwner } from "#lib/simulation/checkers/one-owner.ts";
import { RisingVersions } from "#lib/simulation/checkers/rising-versions.ts";
import { RulesHold } from "#lib/simulation/checkers/rules-hold.ts";
import { TwoRunning } from "#lib/simulation/checkers/two-running.ts";
import { simVmSpec, smallHost } from "#lib/simulation/sim-cluster.ts";
import type { SimCopy } from "#lib/simulation/sim-copy.ts";
import type { SimFact } from "#lib/simulation/sim-fact.ts";
import type { CopyChangeCause } from "#lib/simulation/sim-host.ts";
import type { SimWorld } from "#lib/simulation/sim-world.ts";

const moveId = "web.2.0123456789abcdef";
const gibibyte = 2 ** 30;

function copyOf(state: CopyState, fields: Partial<SimCopy> = {}): SimCopy {
  const runs = state === "running" || state === "sending";
  return {
    spec: simVmSpec("web"),
    state,
    moveId,
    boot: "1",
    ranMs: 0,
    sinceMs: runs ? 0 : null,
    imageUsed: false,
    ...fields,
  };
}

function change(
  host: string,
  before: SimCopy | null,
  after: SimCopy | null,
  cause: CopyChangeCause = "order",
): SimFact {
  return { type: "copyChanged", host, change: { vm: "web", before, after, cause } };
}

function persisted(host: string, key: string, value: object | null): SimFact {
  const text = value === null ? null : JSON.stringify(value);
  return { type: "persisted", host, entries: [{ key, value: text }] };
}

function stepped(host: string, effects: readonly Effect[]): SimFact {
  return { type: "stepped", host, event: { type: "timeout" }, effects };
}

/** The first objection to facts that happen 100 ms apart. */
function objection(checker: Checker, facts: readonly SimFact[]): string | undefined {
  for (const [index, fact] of facts.entries()) {
    const said = checker.observe(fact, index * 100);
    if (said !== undefined) return said;
  }
  return undefined;
}

/** A world of which a checker's last look needs only these. */
function worldOf(hosts: Readonly<Record<string, SimCopy | undefined>>): SimWorld {
  const machines = Object.entries(hosts).map(([id, copy]) => ({ id, host: { copy: () => copy } }));
  return { hosts: Object.keys(hosts), machines, snapshotOf: () => undefined } as never;
}

describe("TwoRunning", () => {
  it("objects to a second running copy, not to a paused one", () => {
    const running = change("a", null, copyOf("running"));
    expect(objection(new TwoRunning(), [running, change("b", null, copyOf("received"))])).toBe(
      undefined,
    );
    expect(objection(new TwoRunning(), [running, change("b", null, copyOf("running"))])).toBe(
      "web runs on a and b at once",
    );
  });
});

describe("GuestContinuity", () => {
  const stop = change("a", copyOf("running"), copyOf("sent", { ranMs: 100 }));
  const facts = (ranMs: number, boot = "1") => [
    change("a", null, copyOf("running")),
    stop,
    change("b", copyOf("received"), copyOf("running", { ranMs, boot, sinceMs: 200 })),
  ];

  it("objects to a repeat, to a gap and to memory of nowhere, not to going on or a cold boot", () => {
    expect(objection(new GuestContinuity(), facts(100))).toBeUndefined();
    expect(objection(new GuestContinuity(), facts(0, "2"))).toBeUndefined();
    expect(objection(new GuestContinuity(), facts(60))).toMatch(/goes on at 60 ms/);
    expect(objection(new GuestContinuity(), facts(140))).toMatch(/goes on at 140 ms/);
    expect(objection(new GuestContinuity(), facts(100, ""))).toMatch(/unknown boot/);
  });
});

describe("NeverLost", () => {
  const begun = change("a", null, copyOf("running"));

  it("objects when an order throws the last whole copy away, unless an operator ended it", () => {
    const discarded = change("a", copyOf("sent"), null);
    const op = { op: "stop", vm: "web", force: true } as const;
    const stop = stepped("a", [{ type: "run", opId: 1, op }]);
    expect(objection(new NeverLost(), [begun, discarded])).toMatch(/a threw away the last copy/);
    expect(objection(new NeverLost(), [begun, stop, discarded])).toBeUndefined();
    const received = change("b", copyOf("receiving"), copyOf("received", { ranMs: 1 }));
    expect(objection(new NeverLost(), [begun, received, discarded])).toBeUndefined();
  });

  it("knows that what ran was the VM, though booted anew, and not what waits elsewhere", () => {
    const received = change("b", copyOf("receiving"), copyOf("received", { ranMs: 9_000 }));
    const booted = change("a", null, copyOf("running", { boot: "2", ranMs: 0 }));
    const killed = change("a", copyOf("running", { boot: "2", ranMs: 10 }), null, "fault");
    const discarded = change("b", copyOf("received", { ranMs: 9_000 }), null);
    const facts = [begun, received, booted, killed, discarded];
    expect(objection(new NeverLost(), facts)).toBeUndefined();
    expect(objection(new NeverLost(), [begun, received, change("a", copyOf("sent"), null)])).toBe(
      undefined,
    );
  });

  it("does not take a copy that is still arriving for one", () => {
    const receiving = change("b", null, copyOf("receiving"));
    const discarded = change("a", copyOf("sent"), null);
    expect(objection(new NeverLost(), [begun, receiving, discarded])).toMatch(/last copy/);
  });

  it("objects in the end to a VM that runs nowhere though nobody killed it", () => {
    const checker = new NeverLost();
    objection(checker, [begun, change("a", copyOf("running"), copyOf("sent"))]);
    expect(checker.settled(worldOf({}))).toMatch(/runs nowhere, and nobody killed it: sent on a/);
  });

  it("objects in the end to a killed VM of which nobody says so", () => {
    const killed = change("a", copyOf("running"), null, "fault");
    const silent = new NeverLost();
    objection(silent, [begun, killed]);
    expect(silent.settled(worldOf({}))).toBe("web was killed and nobody says so");
    const told = new NeverLost();
    const facts = { vm: "web" };
    const notice = { code: "vm-lost", level: "error", message: "it is lost", facts } as const;
    objection(told, [begun, killed, stepped("a", [{ type: "notice", notice }])]);
    expect(told.settled(worldOf({}))).toBeUndefined();
  });
});

describe("OneOwner", () => {
  const owned = (host: string, version: number) => persisted(host, "vm/web", { version });

  it("objects to one version on two hosts and to a version that falls", () => {
    expect(objection(new OneOwner(), [owned("a", 1), owned("b", 2)])).toBeUndefined();
    expect(objection(new OneOwner(), [owned("a", 2), owned("b", 2)])).toBe(
      "a and b both own web at version 2",
    );
    expect(objection(new OneOwner(), [owned("a", 3), owned("a", 2)])).toMatch(/at 2 now/);
  });

  it("objects in the end to two owners, and to an owner that does not run it", () => {
    const both = new OneOwner();
    objection(both, [owned("a", 1), owned("b", 2)]);
    expect(both.settled(worldOf({ a: undefined, b: undefined }))).toBe("web is owned by a and b");
    objection(both, [persisted("a", "vm/web", null)]);
    expect(both.settled(worldOf({ a: undefined, b: copyOf("running") }))).toBeUndefined();
    expect(both.settled(worldOf({ a: copyOf("running"), b: undefined }))).toBe(
      "web runs on a and is owned by b",
    );
  });
});

describe("FrozenBound", () => {
  const facts = [
    persisted("a", `move/${moveId}`, { peer: "b" }),
    change("a", null, copyOf("running")),
    change("a", copyOf("running"), copyOf("sent")),
    change("b", null, copyOf("received")),
    ...Array.from({ length: 10 }, (): SimFact => ({ type: "linksChanged" })),
  ];

  it("objects to a guest that stands still though its ends can talk", () => {
    const objected = objection(new FrozenBound(() => true, 500), facts);
    expect(objected).toMatch(/web has stood still for 600 ms, 600 ms of them/);
  });

  it("allows it while they cannot, and within its bound", () => {
    expect(objection(new FrozenBound(() => false, 500), facts)).toBeUndefined();
    expect(objection(new FrozenBound(() => true, 5_000), facts)).toBeUndefined();
    const runs = change("b", copyOf("received"), copyOf("running"));
    const early = [...facts.slice(0, 6), runs, ...facts.slice(6)];
    expect(objection(new FrozenBound(() => true, 500), early)).toBeUndefined();
  });
});

describe("MemoryAtGrant", () => {
  function proposed(id: string, memoryBytes: number): SimFact {
    const message = { type: "propose", moveId: id, offer: { spec: { memoryBytes } } };
    const event = { type: "messageReceived", from: "b", via: "stream", message };
    return { type: "stepped", host: "a", event, effects: [] } as never;
  }
  const granted = (id: string) =>
    stepped("a", [{ type: "send", to: "b", message: { type: "grant", moveId: id } }]);
  const machine = { size: smallHost, host: { copies: () => [] } } as never;

  it("objects to grants that do not fit together, not to one that does", () => {
    const checker = new MemoryAtGrant(() => machine);
    expect(objection(checker, [proposed("m1", gibibyte), granted("m1")])).toBeUndefined();
    expect(objection(checker, [proposed("m2", gibibyte), granted("m2")])).toMatch(/a granted m2/);
  });

  const notice = {
    code: "move-ended",
    level: "warn",
    message: "",
    facts: { moveId: "m1" },
  } as const;
  const refused = {
    ...notice,
    code: "move-phase",
    facts: { moveId: "m1", phase: "refused" },
  } as const;
  it.each<[string, SimFact]>([
    ["that was refused in the end", stepped("a", [{ type: "notice", notice: refused }])],
    ["whose agent died", { type: "agentKilled", host: "a" }],
    ["that has lapsed", stepped("a", [{ type: "notice", notice }])],
  ])("forgets a grant %s", (_, fact) => {
    const checker = new MemoryAtGrant(() => machine);
    objection(checker, [proposed("m1", gibibyte), granted("m1"), fact]);
    expect(objection(checker, [proposed("m2", gibibyte), granted("m2")])).toBeUndefined();
  });
});

describe("RisingVersions", () => {
  const record = (incarnation: number, seq: number, name = "one") =>
    ({ kind: "summary", host: "a", incarnation, seq, body: { name } }) as SummaryRecord;
  const published = (item: SummaryRecord, host = "a"): SimFact => {
    const rest = { documents: [], verdicts: [], wants: [], wantsDocuments: [] };
    const message = { type: "delta", records: [item], ...rest } as const;
    return { type: "sent", host, message };
  };

  it("objects to a version that falls and to two texts under one", () => {
    const facts = (next: SummaryRecord) => [published(record(2, 5)), published(next)];
    expect(objection(new RisingVersions(), facts(record(2, 6)))).toBeUndefined();
    expect(objection(new RisingVersions(), facts(record(3, 1)))).toBeUndefined();
    expect(objection(new RisingVersions(), facts(record(2, 5)))).toBeUndefined();
    expect(objection(new RisingVersions(), facts(record(2, 4)))).toMatch(/it fell/);
    expect(objection(new RisingVersions(), facts(record(1, 9)))).toMatch(/it fell/);
    expect(objection(new RisingVersions(), facts(record(2, 5, "two")))).toMatch(/another text/);
  });

  it("lets others pass on what is old, and a host without its disk fall once", () => {
    const facts = [published(record(2, 5)), published(record(2, 4), "b")];
    expect(objection(new RisingVersions(), facts)).toBeUndefined();
    const crashed: SimFact = { type: "hostCrashed", host: "a", diskLost: true };
    const lost = [published(record(2, 5)), crashed, published(record(1, 1))];
    expect(objection(new RisingVersions(), lost)).toBeUndefined();
  });
});

describe("RulesHold", () => {
  const free = { pin: null, ignore: false, antiAffinityGroup: null, affinityGroup: null };
  const resident = {
    ...copyOf("running"),
    spec: { ...simVmSpec("db"), policy: { ...free, antiAffinityGroup: "red" } },
  };
  let journal: readonly JournalEntry[] = [];
  const machine = {
    name: "host-a",
    host: { copies: () => [resident] },
    journal: { lines: () => journal },
  } as never;

  const companion = {
    ...copyOf("running"),
    spec: { ...simVmSpec("app"), policy: { ...free, affinityGroup: "pair" } },
  };
  const source = { name: "host-b", host: { copies: () => [companion] } } as never;

  function granted(policy: object, reason = "imbalance"): string | undefined {
    const offer = { spec: { ...simVmSpec("web"), policy: { ...free, ...policy } } };
    const message = { type: "propose", moveId: "m1", offer, reason };
    const event = { type: "messageReceived", from: "b", via: "stream", message };
    const grant = { type: "send", to: "b", message: { type: "grant", moveId: "m1" } };
    const fact = { type: "stepped", host: "a", event, effects: [grant] } as never;
    return new RulesHold((host) => (host === "b" ? source : machine)).observe(fact, 10_000);
  }

  it("objects to a grant against a pin, an ignore or an anti-affinity group", () => {
    expect(granted({ pin: "host-b" })).toBe("a granted m1: it is pinned to host-b");
    expect(granted({ ignore: true })).toMatch(/told to ignore it/);
    expect(granted({ antiAffinityGroup: "red" })).toMatch(/db of its anti-affinity group red/);
  });

  it("objects to a grant that tears an affinity group apart, unless its host is drained", () => {
    expect(granted({ affinityGroup: "pair" })).toMatch(
      /app of its affinity group pair stays behind/,
    );
    expect(granted({ affinityGroup: "pair" }, "drain")).toBeUndefined();
    expect(granted({ affinityGroup: "other" })).toBeUndefined();
  });

  it("counts companions that the target has yet to start after a power cut", () => {
    const owned = { spec: companion.spec, version: 1, recentMoves: 0 };
    journal = [journalEntry("vm/app", { ...owned, desired: "running" })];
    expect(granted({ affinityGroup: "pair" })).toBeUndefined();
    journal = [journalEntry("vm/app", { ...owned, desired: "stopped" })];
    expect(granted({ affinityGroup: "pair" })).toMatch(/stays behind/);
    journal = [];
  });

  it("allows what keeps the rules, and an operator's word over ignore", () => {
    expect(granted({})).toBeUndefined();
    expect(granted({ pin: "host-a" })).toBeUndefined();
    expect(granted({ antiAffinityGroup: "blue" })).toBeUndefined();
    expect(granted({ ignore: true }, "operator")).toBeUndefined();
  });
});
