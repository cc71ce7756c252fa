/**
 * The target's half of a move: each phase against everything that can happen in it. What no row
 * names must do nothing. Orders are compared in their order: the journal before what it allows.
 */
import { describe, expect, it } from "vitest";
import type { TargetLine, TargetPhase } from "#lib/moves/move-line.ts";
import type { MoveInput } from "#lib/moves/move-order.ts";
import { defaultMoveParams as params } from "#lib/moves/params.ts";
import { TargetMove } from "#lib/moves/target-move.ts";
import {
  abort,
  allInputs,
  diskSpec,
  factsOf,
  failed,
  happens,
  listed,
  plain,
  query,
  sourceSays,
  spec,
  succeeded,
  verdict,
  wordsOf,
} from "../../support/move-fixture.ts";

function targetAfter(vmSpec: typeof spec, ...inputs: MoveInput[]): TargetMove {
  const move = new TargetMove({ facts: factsOf("source", { spec: vmSpec }), params });
  move.grant(0);
  for (const input of inputs) move.handle(input, 0);
  return move;
}

function restoredIn(phase: TargetPhase): TargetMove {
  const facts = factsOf("source");
  const line: TargetLine = { ...facts, role: "target", phase, detail: "as the journal says" };
  return new TargetMove({ facts, params }, line);
}

const held = [plain("begin"), succeeded("prepareIncoming"), succeeded("awaitIncoming")];
const running = [...held, plain("commit")];
const settled = [...running, succeeded("runIncoming")];
const refused = [...held, abort()];

const states = {
  granted: () => targetAfter(spec),
  receiving: () => targetAfter(spec, plain("begin")),
  held: () => targetAfter(spec, ...held),
  running: () => targetAfter(spec, ...running),
  settled: () => targetAfter(spec, ...settled),
  refused: () => targetAfter(spec, ...refused),
  remembered: () => targetAfter(spec, ...refused, succeeded("discard")),
  rebooting: () => targetAfter(diskSpec, ...held, happens.runHere),
} as const;

type State = keyof typeof states;
type Row = readonly [state: State, happening: string, orders: readonly string[], because: string];

const refuses = ["journal refused", "send refused", "run closeChannel", "run discard"];
const owns = ["journal running, own 8", "run runIncoming"];
const ends = ["journal nothing", "run closeChannel"];
const saysRunning = ["send running"];
const saysRefused = ["send refused"];
const saysRan = ["send ran"];

const table: readonly Row[] = [
  ["granted", "a question", ["send busy"], "there is no vote yet"],
  ["granted", "a late begin", ["journal receiving", "run prepareIncoming"], "it may start"],
  ["granted", "an abort", ["run closeChannel", "ended aborted"], "nothing was begun"],

  ["receiving", "a question", ["send busy"], "there is no vote yet"],
  ["receiving", "an abort", refuses, "the source gave it up"],
  ["receiving", "prepareIncoming ends", ["run listenChannel"], "the copy waits for its memory"],
  ["receiving", "prepareIncoming fails", refuses, "there is nothing to receive with"],
  ["receiving", "listenChannel ends", ["send ready", "run awaitIncoming"], "it listens"],
  ["receiving", "listenChannel fails", refuses, "nothing can come"],
  ["receiving", "awaitIncoming ends", ["journal held", "send held"], "durable before the vote"],
  ["receiving", "awaitIncoming fails", refuses, "the copy is not whole"],
  ["receiving", "the source says aborted", refuses, "the source gave it up"],
  ["receiving", "the source says closed", refuses, "the source needs no more of it"],
  ["receiving", "the source says unknown", refuses, "the source cannot send any more"],
  ["receiving", "the other end is reachable", ["send query as target"], "it can answer now"],

  ["held", "a question", ["send held"], "the journal says so"],
  ["held", "the commit", owns, "the source's journal gave the VM away"],
  ["held", "the source says committed", owns, "the source's journal gave the VM away"],
  ["held", "the source says open", ["send held"], "the vote was lost"],
  ["held", "the source says aborted", refuses, "the source's journal says so"],
  ["held", "the source says closed", ["warn in-doubt"], "it has no copy, and never told us"],
  ["held", "the source says unknown", ["warn in-doubt"], "it cannot tell"],
  ["held", "an abort", refuses, "the source's journal says so"],
  ["held", "no copy is listed", refuses, "it was killed, and never ran"],
  ["held", "the verdict is gone", refuses, "it was killed, and never ran"],
  ["held", "the agent wakes late", ["run moveVerdict"], "an old look counts for nothing"],
  ["held", "the other end is reachable", ["send query as target"], "it can answer now"],
  ["held", "the operator says run here", owns, "the source is fenced"],
  ["held", "the operator says discard", refuses, "the source's is the VM"],

  ["running", "runIncoming ends", saysRunning, "the journal says so since before"],
  [
    "running",
    "runIncoming finds no copy",
    ["journal refused, disown", "send refused", "run closeChannel", "run discard"],
    "it never ran: the source's copy is still the VM",
  ],
  ["running", "runIncoming fails", ["warn run"], "it may have run; it is tried again"],
  ["running", "the verdict is open", ["run runIncoming"], "it has not run yet"],
  ["running", "the verdict is aborted", saysRunning, "the copy runs"],
  ["running", "the verdict is gone", saysRan, "nobody can tell that it never ran"],

  ["settled", "a question", saysRunning, "the journal says so"],
  ["settled", "the commit", saysRunning, "the answer was lost"],
  ["settled", "an abort", saysRunning, "it cannot be aborted any more"],
  ["settled", "the close", [...ends, "ended moved"], "the source has discarded its copy"],
  ["settled", "the source says open", saysRunning, "the source must hear it"],
  ["settled", "the source says committed", saysRunning, "the source must hear it"],
  ["settled", "the source says aborted", saysRunning, "the source must hear it"],
  ["settled", "the source says closed", [...ends, "ended moved"], "the close was lost"],
  [
    "settled",
    "the source says unknown",
    [...ends, "ended moved"],
    "it has forgotten, so it is done",
  ],
  [
    "settled",
    "the operator says run here",
    [...ends, "ended moved"],
    "the source is off for good: nobody else closes it",
  ],
  ["settled", "the other end is reachable", ["send query as target"], "is it done?"],

  ["refused", "a question", saysRefused, "the promise is durable"],
  ["refused", "the commit", saysRefused, "the promise is durable"],
  ["refused", "an abort", saysRefused, "the source waits for it"],
  ["refused", "the source says open", saysRefused, "the source must hear it"],
  ["refused", "the source says committed", saysRefused, "the source must hear it"],
  ["refused", "the source says aborted", saysRefused, "the source must hear it"],
  ["refused", "the source says closed", saysRefused, "the source must hear it"],
  ["refused", "the source says unknown", saysRefused, "the source must hear it"],
  ["refused", "discard fails", ["warn discard"], "it is tried again later"],

  ["remembered", "a question", saysRefused, "the promise is durable"],
  ["remembered", "the commit", saysRefused, "the promise is durable"],
  ["remembered", "an abort", saysRefused, "the source waits for it"],
  ["remembered", "the source says open", saysRefused, "the source must hear it"],
  ["remembered", "the source says committed", saysRefused, "the source must hear it"],
  ["remembered", "the source says aborted", saysRefused, "the source must hear it"],
  ["remembered", "the source says closed", saysRefused, "the source must hear it"],
  ["remembered", "the source says unknown", saysRefused, "the source must hear it"],
  ["remembered", "the close", [...ends, "ended aborted"], "the source has heard it"],
  ["remembered", "discard fails", ["warn discard"], "a late word of the driver"],

  ["rebooting", "a question", saysRan, "the old memory is used up, by the operator's word"],
  ["rebooting", "the commit", saysRan, "the old memory is used up"],
  ["rebooting", "an abort", saysRan, "the old memory is used up"],
  ["rebooting", "the source says open", saysRan, "the source must hear it"],
  ["rebooting", "the source says committed", saysRan, "the source must hear it"],
  ["rebooting", "the source says aborted", saysRan, "the source must hear it"],
  ["rebooting", "the source says closed", saysRan, "the source must hear it"],
  ["rebooting", "the source says unknown", saysRan, "the source must hear it"],
  ["rebooting", "discard ends", ["run start"], "the old memory is gone: boot anew"],
  ["rebooting", "discard fails", ["warn discard"], "nothing starts beside the old copy"],
  ["rebooting", "start ends", [...ends, "ended resolved"], "it runs here anew"],
  ["rebooting", "start fails", ["warn start", ...ends, "ended lost"], "'vm start' tries again"],
];

const quiet = (Object.keys(states) as State[]).flatMap((state) =>
  Object.keys(allInputs)
    .filter((happening) => !table.some((row) => row[0] === state && row[1] === happening))
    .map((happening) => [state, happening] as const),
);

describe("TargetMove", () => {
  it("grants for a bounded time, and journals nothing", () => {
    const move = new TargetMove({ facts: factsOf("source"), params });
    expect(wordsOf(move.grant(100))).toEqual(["send grant"]);
    expect(move.nextTimeoutMs).toBe(100 + params.grantMs);
    expect(move.handle(happens.timeout, 99 + params.grantMs)).toEqual([]);
    const orders = move.handle(happens.timeout, 100 + params.grantMs);
    expect(wordsOf(orders)).toEqual(["run closeChannel", "ended aborted"]);
    expect(orders.at(-1)).toMatchObject({ end: { detail: "the grant lapsed" } });
  });

  it.each(table)("%s, %s: %j, because %s", (state, happening, orders) => {
    expect(wordsOf(states[state]().handle(inputOf(happening), 0))).toEqual(orders);
  });

  it.each(quiet)("%s, %s: does nothing", (state, happening) => {
    const move = states[state]();
    const before = move.phase;
    expect(wordsOf(move.handle(inputOf(happening), 0))).toEqual([]);
    expect(move.phase).toBe(before);
  });

  it.each<[TargetPhase, string[]]>([
    ["receiving", refuses],
    ["held", ["run moveVerdict", "send query as target"]],
    ["running", ["run moveVerdict"]],
    ["refused", ["send refused", "run discard"]],
    ["rebooting", ["send ran", "run discard"]],
  ])("restored in %s: %j", (phase, orders) => {
    expect(wordsOf(restoredIn(phase).handle(happens.restored, 0))).toEqual(orders);
  });

  it("keeps the journal's reason of a refusal over a restart", () => {
    const orders = restoredIn("refused").handle(query("source"), 0);
    expect(orders).toMatchObject([
      { message: { answer: "refused", detail: "as the journal says" } },
    ]);
  });

  it("bounds the reason that it tells", () => {
    const [line, answer] = states.held().handle(abort("x".repeat(5_000)), 0);
    expect(line).toMatchObject({
      line: { detail: expect.stringMatching(/^the source aborted: x+$/) },
    });
    const { message } = answer as { message: { detail: string } };
    expect(message.detail).toHaveLength(200);
  });

  it("never refuses what may have run: after a failed run a copy that is gone has run", () => {
    const move = states.running();
    move.handle(failed("runIncoming", "IMAGE_LOCKED"), 0);
    expect(move.handle(failed("runIncoming", "VM_ABSENT"), 0).map((order) => order.type)).toEqual([
      "warn",
    ]);
    expect(wordsOf(move.handle(verdict("gone"), 0))).toEqual(["send ran"]);
  });

  it("runs again what failed to run, with growing pauses, until it runs", () => {
    const move = states.running();
    const lookedAt: number[] = [];
    move.handle(failed("runIncoming", "IMAGE_LOCKED"), 0);
    for (let nowMs = move.nextTimeoutMs ?? 0; nowMs <= 12_000; nowMs = move.nextTimeoutMs ?? 0) {
      lookedAt.push(nowMs);
      expect(wordsOf(move.handle(happens.timeout, nowMs))).toEqual(["run moveVerdict"]);
      expect(wordsOf(move.handle(verdict("open"), nowMs))).toEqual(["run runIncoming"]);
      move.handle(failed("runIncoming", "IMAGE_LOCKED"), nowMs);
    }
    expect(lookedAt).toEqual([500, 1_000, 2_000, 4_000, 8_000]);
    expect(wordsOf(move.handle(succeeded("runIncoming"), 12_000))).toEqual(["send running"]);
  });

  it("says that it ran once its copy is gone", () => {
    const move = states.settled();
    move.handle(listed(null), 0);
    expect(wordsOf(move.handle(query("source"), 0))).toEqual(["send ran"]);
  });

  it("asks a silent source with growing pauses, and is in doubt after a while", () => {
    const move = states.held();
    const askedAt: number[] = [];
    for (let nowMs = 0; nowMs <= 14_000; nowMs = move.nextTimeoutMs ?? Number.NaN) {
      if (move.handle(happens.timeout, nowMs).length > 0) askedAt.push(nowMs);
    }
    expect(askedAt).toEqual([500, 1_000, 2_000, 4_000, 8_000, 13_000]);
    expect(move.inDoubt(params.doubtMs)).toBe(false);
    expect(move.inDoubt(params.doubtMs + 1)).toBe(true);
    move.handle(sourceSays("open"), 14_000);
    expect(move.inDoubt(14_000 + params.doubtMs)).toBe(false);
  });

  it("is in doubt at once when the source does not know the move, and warns once", () => {
    const move = states.held();
    move.handle(sourceSays("unknown"), 0);
    expect(move.inDoubt(0)).toBe(true);
    expect(move.handle(sourceSays("unknown"), 0)).toEqual([]);
    move.handle(abort(), 0);
    expect(move.inDoubt(0)).toBe(false);
  });

  it("asks after a close that was lost, for as long as it takes", () => {
    const move = states.settled();
    expect(move.nextTimeoutMs).toBe(params.askMsMax);
    for (const nowMs of [5_000, 5_500, 6_500, 8_500, 12_500, 17_500]) {
      expect(move.nextTimeoutMs).toBe(nowMs);
      expect(wordsOf(move.handle(happens.timeout, nowMs))).toEqual(["send query as target"]);
    }
  });

  it("tries a discard that failed again, and no more once it is done", () => {
    const move = states.refused();
    move.handle(failed("discard"), 0);
    expect(wordsOf(move.handle(happens.timeout, params.askMsMax))).toEqual(["run discard"]);
    move.handle(succeeded("discard"), params.askMsMax);
    expect(move.nextTimeoutMs).toBe(params.askMsMax + params.keepMs);
  });

  it("forgets a refusal that nobody asks for", () => {
    const move = states.remembered();
    expect(move.nextTimeoutMs).toBe(params.keepMs);
    expect(wordsOf(move.handle(happens.timeout, params.keepMs))).toEqual([
      ...ends,
      "ended aborted",
    ]);
    expect(move.nextTimeoutMs).toBeUndefined();
  });

  it("waits for its copy to be discarded before it lets itself be closed", () => {
    const move = states.refused();
    expect(move.handle(plain("close"), 0)).toEqual([]);
    expect(wordsOf(move.handle(succeeded("discard"), 0))).toEqual([...ends, "ended aborted"]);
  });

  it("boots anew where the source may have written to the disk since", () => {
    const move = targetAfter(diskSpec, ...held);
    const orders = ["journal rebooting, own 8", "run discard"];
    expect(wordsOf(move.handle(happens.runHere, 0))).toEqual(orders);
    move.handle(failed("discard"), 0);
    expect(wordsOf(move.handle(happens.timeout, params.askMsMax))).toEqual(["run discard"]);
    expect(restoredIn("rebooting").handle(verdict("open"), 0)).toEqual([]);
  });

  it.each<[State, boolean, boolean]>([
    ["granted", true, false],
    ["receiving", true, false],
    ["held", true, false],
    ["running", false, false],
    ["settled", false, true],
    ["refused", true, false],
    ["remembered", false, true],
    ["rebooting", false, false],
  ])("%s: reserves a place: %s; is only remembered: %s", (state, reserves, onlyRemembered) => {
    const move = states[state]();
    expect({ reserves: move.reserves, onlyRemembered: move.onlyRemembered }).toEqual({
      reserves,
      onlyRemembered,
    });
  });
});

function inputOf(happening: string): MoveInput {
  const input = allInputs[happening];
  if (!input) throw new Error(`the table names an unknown happening: ${happening}`);
  return input;
}
