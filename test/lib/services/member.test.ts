/**
 * One member: each state against everything that can happen in it. What no row names must do
 * nothing. Orders are compared in their order: the journal before what it allows.
 */
import { describe, expect, it } from "vitest";
import type { Member } from "#lib/services/member.ts";
import type { MemberInput } from "#lib/services/member-order.ts";
import {
  declared,
  failed,
  newMember,
  succeeded,
  wordsOfOrder,
} from "../../support/member-fixture.ts";

function memberAfter(...inputs: MemberInput[]): Member {
  const member = newMember();
  for (const input of inputs) member.handle(input, 0);
  return member;
}

const mayStage: MemberInput = { type: "mayStage" };
const run: MemberInput = { type: "run" };
const rest: MemberInput = { type: "rest" };
const unwell: MemberInput = { type: "health", well: false };
const drained: MemberInput = { type: "drained", round: 1 };
const toSuspended = [mayStage, succeeded("stage"), succeeded("suspend")];
const toRunning = [...toSuspended, run, succeeded("resume"), succeeded("check")];
const toSuspending = [...toRunning, rest, drained];

const states = {
  absent: () => memberAfter(),
  booting: () => memberAfter(mayStage),
  "suspending a booted one": () => memberAfter(mayStage, succeeded("stage")),
  suspended: () => memberAfter(...toSuspended),
  resuming: () => memberAfter(...toSuspended, run),
  checking: () => memberAfter(...toSuspended, run, succeeded("resume")),
  running: () => memberAfter(...toRunning),
  outdated: () => memberAfter(...toRunning, declared({ digest: "two" })),
  unwell: () => memberAfter(...toRunning, unwell),
  draining: () => memberAfter(...toRunning, rest),
  "draining, unwell": () => memberAfter(...toRunning, unwell, rest),
  suspending: () => memberAfter(...toSuspending),
  stale: () => memberAfter(...toSuspended, declared({ digest: "two" })),
  discarding: () => memberAfter(mayStage, failed("stage")),
} as const;

const happenings: Readonly<Record<string, MemberInput>> = {
  "its turn to be staged": mayStage,
  "a granted resume": run,
  "a granted suspend": rest,
  drained,
  "an old drain's answer": { type: "drained", round: 0 },
  "a new template": declared({ digest: "three" }),
  "the same document": declared(),
  "its service's end": declared({ staged: false }),
  "the copy's loss": { type: "lost", reason: "killed" },
  "its health fails": unwell,
  "its health is back": { type: "health", well: true },
  "a timeout": { type: "timeout" },
  "stage ends": succeeded("stage"),
  "stage fails": failed("stage"),
  "suspend ends": succeeded("suspend"),
  "suspend fails": failed("suspend"),
  "resume ends": succeeded("resume"),
  "resume fails": failed("resume"),
  "check ends": succeeded("check"),
  "check fails": failed("check"),
  "discard ends": succeeded("discard"),
};

type State = keyof typeof states;
type Row = readonly [state: State, happening: string, orders: readonly string[], ends: string];

const discards = ["journal nothing", "switch maint", "run discard"];
const table: readonly Row[] = [
  ["absent", "its turn to be staged", ["journal nothing", "run stage"], "staging"],

  ["booting", "stage ends", ["run suspend"], "staging"],
  ["booting", "stage fails", discards, "discarding"],

  ["suspending a booted one", "suspend ends", ["journal one"], "suspended"],
  ["suspending a booted one", "suspend fails", discards, "discarding"],

  ["suspended", "a granted resume", ["journal one, runs", "run resume"], "resuming"],
  ["suspended", "a new template", ["journal nothing"], "stale"],
  ["suspended", "its service's end", discards, "discarding"],
  ["suspended", "the copy's loss", discards, "discarding"],

  ["resuming", "resume ends", ["run check"], "resuming"],
  ["resuming", "resume fails", discards, "discarding"],

  ["checking", "check ends", ["journal one, runs", "switch ready"], "running"],
  ["checking", "check fails", discards, "discarding"],

  ["running", "a granted suspend", ["journal one", "switch drain"], "draining"],
  ["running", "its service's end", ["journal one", "switch drain"], "draining"],
  ["running", "the copy's loss", discards, "discarding"],

  ["outdated", "a granted suspend", ["journal one", "switch drain"], "draining"],
  ["outdated", "its service's end", ["journal one", "switch drain"], "draining"],
  ["outdated", "the copy's loss", discards, "discarding"],

  ["unwell", "a granted suspend", ["journal one", "switch drain"], "draining"],
  ["unwell", "its service's end", ["journal one", "switch drain"], "draining"],
  ["unwell", "the copy's loss", discards, "discarding"],

  // What hangs would hang again: no image is made of it.
  ["draining, unwell", "drained", discards, "discarding"],
  ["draining, unwell", "a granted resume", ["journal one, runs", "switch ready"], "running"],
  ["draining, unwell", "the copy's loss", discards, "discarding"],

  ["draining", "drained", ["switch maint", "run suspend"], "suspending"],
  ["draining", "a granted resume", ["journal one, runs", "switch ready"], "running"],
  ["draining", "the copy's loss", discards, "discarding"],

  ["suspending", "suspend ends", [], "suspended"],
  ["suspending", "suspend fails", ["journal one, runs", "run check"], "resuming"],

  ["stale", "its turn to be staged", ["journal nothing", "run stage"], "staging"],
  ["stale", "its service's end", discards, "discarding"],

  ["discarding", "discard ends", [], "absent"],
];

const cells = (Object.keys(states) as State[]).flatMap((state) =>
  Object.keys(happenings).map((happening) => ({ state, happening })),
);

describe("Member", () => {
  it.each(cells)("$state: $happening", ({ state, happening }) => {
    const row = table.find((one) => one[0] === state && one[1] === happening);
    const member = states[state]();
    const before = member.state;
    const orders = member.handle(happenings[happening] as MemberInput, 0);
    expect(orders.map(wordsOfOrder)).toEqual(row?.[2] ?? []);
    expect(member.state).toBe(row?.[3] ?? before);
  });

  it("has a row for nothing that is not in the table", () => {
    const known = (row: Row) => row[0] in states && row[1] in happenings;
    expect(table.filter((row) => !known(row))).toEqual([]);
  });

  it("is suspended at the limit of its drain, and not a moment earlier", () => {
    const member = states.draining();
    expect(member.nextTimeoutMs).toBe(10_000);
    expect(member.handle({ type: "timeout" }, 9_999)).toEqual([]);
    expect(member.handle({ type: "timeout" }, 10_000).map(wordsOfOrder)).toEqual(["switch maint"]);
    // A switch may have kept it in service until now, and has to hear of it first.
    expect(member.nextTimeoutMs).toBe(12_000);
    expect(member.handle({ type: "timeout" }, 11_999)).toEqual([]);
    const orders = member.handle({ type: "timeout" }, 12_000);
    expect(orders.map(wordsOfOrder)).toEqual(["switch maint", "run suspend"]);
  });

  it("takes no answer to a drain that was called off for one to the next", () => {
    const member = states.draining();
    member.handle(run, 0);
    const again = member.handle(rest, 5_000);
    expect(again).toContainEqual({ type: "switch", to: "drain", round: 2 });
    expect(member.handle(drained, 5_001)).toEqual([]);
    expect(member.handle({ type: "drained", round: 2 }, 5_002)).not.toEqual([]);
  });

  it("is discarded after the drain instead of suspended when its template is old", () => {
    const member = states.outdated();
    expect(member.outdated).toBe(true);
    member.handle(rest, 0);
    expect(member.handle(drained, 0).map(wordsOfOrder)).toEqual(discards);
  });

  it("is discarded after the drain when its service is gone", () => {
    const member = states.running();
    member.handle(declared({ staged: false }), 0);
    expect(member.handle(drained, 0).map(wordsOfOrder)).toEqual(discards);
    member.handle(succeeded("discard"), 0);
    expect(member.state).toBe("absent");
    expect(member.waiting(0)).toBe(false);
    expect(member.nextTimeoutMs).toBe(undefined);
  });

  it("runs on when the disk is full, says why, and is not asked again for a while", () => {
    const member = states.suspending();
    member.handle(failed("suspend", "no space left on device"), 1_000);
    expect(member.handle(succeeded("check"), 1_000)).toContainEqual({
      type: "switch",
      to: "ready",
    });
    expect(member.state).toBe("running");
    expect(member.obstacle).toBe("no space left on device");
    expect(member.restRefusal(1_999)).toBe("could not be suspended: no space left on device");
    expect(member.handle(rest, 1_999)).toEqual([]);
    expect(member.restRefusal(2_000)).toBe(null);
    member.handle(rest, 2_000);
    member.handle({ type: "drained", round: 2 }, 2_000);
    member.handle(succeeded("suspend"), 2_000);
    expect([member.state, member.obstacle]).toEqual(["suspended", ""]);
  });

  it("is discarded when it could not be suspended and its service is gone", () => {
    const member = states.suspending();
    member.handle(declared({ staged: false }), 0);
    expect(member.handle(failed("suspend"), 0).map(wordsOfOrder)).toEqual(discards);
  });

  it("does not come back for a service that is gone", () => {
    const member = states.running();
    member.handle(declared({ staged: false }), 0);
    expect(member.handle(run, 0)).toEqual([]);
    expect(member.state).toBe("draining");
  });

  it("may always be asked to rest when its template is old: it need not be suspended", () => {
    const member = states.suspending();
    member.handle(failed("suspend"), 0);
    member.handle(declared({ digest: "two" }), 0);
    member.handle(succeeded("check"), 0);
    expect(member.restRefusal(0)).toBe(null);
  });

  it("holds a failed suspend against this copy alone", () => {
    const member = states.suspending();
    member.handle(failed("suspend"), 0);
    member.handle(succeeded("check"), 0);
    member.handle({ type: "lost", reason: "killed" }, 0);
    expect(member.restRefusal(0)).toBe(null);
  });

  it("tries a failed staging again after waits that grow, up to a bound", () => {
    const member = newMember();
    let nowMs = 0;
    const waits: number[] = [];
    for (let times = 0; times < 6; times++) {
      member.handle(mayStage, nowMs);
      member.handle(failed("stage", "no answer in 60 s"), nowMs);
      member.handle(succeeded("discard"), nowMs);
      expect(member.obstacle).toBe("no answer in 60 s");
      expect(member.handle(mayStage, (member.nextTimeoutMs ?? 0) - 1)).toEqual([]);
      waits.push((member.nextTimeoutMs ?? 0) - nowMs);
      nowMs = member.nextTimeoutMs ?? 0;
      expect(member.waiting(nowMs)).toBe(true);
    }
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 8_000, 8_000]);
    member.handle(declared({ digest: "two" }), 0);
    expect(member.waiting(0)).toBe(true);
  });

  it("tries a failed discard again", () => {
    const member = states.discarding();
    expect(member.handle(failed("discard", "busy"), 0)).toEqual([]);
    const atMs = member.nextTimeoutMs ?? 0;
    expect(atMs).toBeGreaterThan(0);
    expect(member.handle({ type: "timeout" }, atMs).map(wordsOfOrder)).toEqual(discards);
  });

  it("stages anew when the template changed while it was being staged", () => {
    const member = states.booting();
    member.handle(declared({ digest: "two" }), 0);
    expect(member.handle(succeeded("stage"), 0).map(wordsOfOrder)).toEqual(discards);
    member.handle(succeeded("discard"), 0);
    expect(member.waiting(0)).toBe(true);
  });

  it("is resumed again after a suspend that a granted resume overtook", () => {
    const member = states.suspending();
    expect(member.handle(run, 0)).toEqual([]);
    const orders = member.handle(succeeded("suspend"), 0).map(wordsOfOrder);
    expect(orders).toEqual(["journal one, runs", "run resume"]);
  });

  it("drains as soon as it runs when it was told to rest meanwhile", () => {
    const member = states.checking();
    member.handle(rest, 0);
    member.handle(succeeded("check"), 0);
    expect(member.state).toBe("draining");
  });
});

describe("Member after a restart", () => {
  const one = { digest: "one", wantsRunning: false };
  const runs = { digest: "one", wantsRunning: true };
  const nothing = { digest: null, wantsRunning: false };
  const found = ["running", "suspended", "stale", "none"] as const;
  const lines = { runs, one, nothing, unknown: null };

  const expected: Record<keyof typeof lines, Record<(typeof found)[number], string>> = {
    runs: {
      running: "resuming: run check",
      suspended: "suspended: switch maint, journal one",
      stale: "stale: switch maint, journal nothing",
      none: "absent: switch maint, journal nothing",
    },
    one: {
      running: "draining: journal one, switch drain",
      suspended: "suspended: switch maint",
      stale: "stale: switch maint, journal nothing",
      none: "absent: switch maint, journal nothing",
    },
    nothing: {
      running: `discarding: ${discards.join(", ")}`,
      suspended: "stale: switch maint, journal nothing",
      stale: "stale: switch maint, journal nothing",
      none: "absent: switch maint, journal nothing",
    },
    unknown: {
      running: `discarding: ${discards.join(", ")}`,
      suspended: "stale: switch maint, journal nothing",
      stale: "stale: switch maint, journal nothing",
      none: "absent: switch maint",
    },
  };

  const rows = Object.entries(lines).flatMap(([name, line]) =>
    found.map((copy) => ({ name: name as keyof typeof lines, line, copy })),
  );
  it.each(rows)("journal $name, found $copy", ({ name, line, copy }) => {
    const member = newMember();
    const orders = member.handle({ type: "restarted", found: copy, line }, 0).map(wordsOfOrder);
    expect(`${member.state}: ${orders.join(", ")}`).toBe(expected[name][copy]);
  });

  it("does not resume an image of another template", () => {
    const member = newMember({ digest: "two" });
    member.handle({ type: "restarted", found: "suspended", line: one }, 0);
    expect(member.state).toBe("stale");
    expect(member.handle(run, 0)).toEqual([]);
  });

  it("removes what a service left that was deleted meanwhile", () => {
    for (const copy of ["suspended", "stale"] as const) {
      const member = newMember({ staged: false });
      member.handle({ type: "restarted", found: copy, line: one }, 0);
      expect(member.state).toBe("discarding");
    }
    const running = newMember({ staged: false });
    running.handle({ type: "restarted", found: "running", line: runs }, 0);
    running.handle(succeeded("check"), 0);
    expect(running.state).toBe("draining");
  });
});
