/**
 * The source's half of a move: each phase against everything that can happen in it. What no row
 * names must do nothing. Orders are compared in their order: the journal before what it allows.
 */
import { describe, expect, it } from "vitest";
import type { SourceLine, SourcePhase } from "#lib/moves/move-line.ts";
import type { MoveInput } from "#lib/moves/move-order.ts";
import { defaultMoveParams as params } from "#lib/moves/params.ts";
import { SourceMove } from "#lib/moves/source-move.ts";
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
  ready,
  sentOff,
  spec,
  succeeded,
  targetSays,
  verdict,
  wordsOf,
} from "../../support/move-fixture.ts";
import { loses, type SourceState, sourceTable } from "../../support/source-move-table.ts";

const options = {
  facts: factsOf("target"),
  addresses: ["/ip4/10.0.0.2/tcp/7000"],
  limits: { bandwidthBytesPerSecond: 0, downtimeMs: 300, noProgressMs: 30_000 },
  params,
};

function sourceAfter(...inputs: MoveInput[]): SourceMove {
  const move = new SourceMove(options);
  move.begin(0);
  for (const input of inputs) move.handle(input, 0);
  return move;
}

function restoredIn(phase: SourcePhase, vmSpec = spec): SourceMove {
  const facts = factsOf("target", { spec: vmSpec });
  const line: SourceLine = { ...facts, role: "source", phase };
  return new SourceMove({ ...options, facts }, line);
}

const ends = ["journal nothing", "run closeChannel", "ended aborted"];
const streaming = [ready(), succeeded("connectChannel")];
const sent = [...streaming, sentOff()];

const states = {
  beginning: () => sourceAfter(),
  connecting: () => sourceAfter(ready()),
  streaming: () => sourceAfter(...streaming),
  sent: () => sourceAfter(...sent),
  judging: () => sourceAfter(...sent, happens.cancelled),
  forward: () => sourceAfter(...sent, listed(null)),
  committed: () => sourceAfter(...sent, plain("held")),
  aborted: () => sourceAfter(...sent, happens.cancelled, verdict("open")),
  takenBack: () => sourceAfter(...sent, happens.cancelled, verdict("open"), succeeded("takeBack")),
  discarding: () => sourceAfter(...sent, plain("held"), targetSays("running")),
  rebooting: () => rebooting(),
} as const satisfies Record<SourceState, () => SourceMove>;

function rebooting(): SourceMove {
  const move = new SourceMove({ ...options, facts: factsOf("target", { spec: diskSpec }) });
  move.begin(0);
  for (const input of [...sent, plain("held"), happens.runHere]) move.handle(input, 0);
  return move;
}

const quiet = (Object.keys(states) as SourceState[]).flatMap((state) =>
  Object.keys(allInputs)
    .filter((happening) => !sourceTable.some((row) => row[0] === state && row[1] === happening))
    .map((happening) => [state, happening] as const),
);

describe("SourceMove", () => {
  it("begins with its line in the journal", () => {
    expect(wordsOf(new SourceMove(options).begin(0))).toEqual([
      "journal transferring",
      "send begin",
    ]);
  });

  it.each(sourceTable)("%s, %s: %j, because %s", (state, happening, orders) => {
    const move = states[state]();
    expect(wordsOf(move.handle(inputOf(happening), 0))).toEqual(orders);
  });

  it.each(quiet)("%s, %s: does nothing", (state, happening) => {
    const move = states[state]();
    const before = move.stage;
    expect(wordsOf(move.handle(inputOf(happening), 0))).toEqual([]);
    expect(move.stage).toBe(before);
  });

  it.each<[SourcePhase, string[]]>([
    ["transferring", ["run moveVerdict"]],
    ["committed", ["send commit"]],
    ["aborted", ["run moveVerdict"]],
    ["takenBack", ["send query as source"]],
    ["discarding", ["run discard"]],
    ["rebooting", ["run discard"]],
  ])("restored in %s: %j", (phase, orders) => {
    expect(wordsOf(restoredIn(phase).handle(happens.restored, 0))).toEqual(orders);
  });

  it.each<[string, MoveInput, string[]]>([
    ["paused", verdict("open"), ["run takeBack"]],
    ["running", verdict("aborted"), ["journal takenBack", "run closeChannel"]],
    ["gone", verdict("gone"), loses],
    ["not to be told", verdict("in-doubt"), []],
    ["not to be read", failed("moveVerdict"), []],
  ])("restored in aborted with a copy that is %s: %j", (_, found, orders) => {
    const move = restoredIn("aborted");
    move.handle(happens.restored, 0);
    expect(wordsOf(move.handle(found, 0))).toEqual(orders);
  });

  it("runs only what the restart found paused: a copy that was let run is not touched", () => {
    const move = restoredIn("aborted");
    move.handle(happens.restored, 0);
    move.handle(verdict("in-doubt"), 0);
    expect(wordsOf(move.handle(happens.timeout, params.askMsMax))).toEqual(["run moveVerdict"]);
  });

  it("keeps the target's words for the end of a move that was refused", () => {
    const move = states.committed();
    const back = move.handle(targetSays("refused", "no such image"), 0).at(-1);
    expect(back).toMatchObject({ op: { op: "takeBack" } });
    const orders = move.handle(succeeded("takeBack"), 0);
    expect(orders.at(-1)).toMatchObject({ end: { result: "aborted", detail: "no such image" } });
  });

  it("warns of an unknown move once, and is in doubt from then on", () => {
    const move = states.committed();
    expect(move.inDoubt(0)).toBe(false);
    move.handle(targetSays("unknown"), 0);
    expect(move.inDoubt(0)).toBe(true);
    expect(move.handle(targetSays("unknown"), 0)).toEqual([]);
  });

  it("repeats the commit with growing pauses, and doubts after a while of silence", () => {
    const move = states.committed();
    const sentAt: number[] = [];
    for (let nowMs = 0; nowMs <= 20_000; nowMs = move.nextTimeoutMs ?? Number.NaN) {
      if (wordsOf(move.handle(happens.timeout, nowMs)).includes("send commit")) sentAt.push(nowMs);
    }
    expect(sentAt).toEqual([500, 1_000, 2_000, 4_000, 8_000, 13_000, 18_000]);
    expect(move.inDoubt(params.doubtMs)).toBe(false);
    expect(move.inDoubt(params.doubtMs + 1)).toBe(true);
    move.handle(plain("held"), 20_000);
    expect(move.inDoubt(20_000 + params.doubtMs)).toBe(false);
  });

  it("tries a take-back that failed again with growing pauses; that is no doubt", () => {
    const move = states.aborted();
    const triedAt: number[] = [];
    move.handle(failed("takeBack"), 0);
    for (let nowMs = move.nextTimeoutMs ?? 0; nowMs <= 12_000; nowMs = move.nextTimeoutMs ?? 0) {
      triedAt.push(nowMs);
      expect(wordsOf(move.handle(happens.timeout, nowMs))).toEqual(["run takeBack"]);
      move.handle(failed("takeBack"), nowMs);
    }
    expect(triedAt).toEqual([500, 1_000, 2_000, 4_000, 8_000]);
    expect(move.inDoubt(12_000)).toBe(false);
  });

  it.each<[string, () => SourceMove]>([
    ["transferring", states.judging],
    ["aborted", () => restoredIn("aborted")],
  ])("restored or judged in %s, is in doubt while its hypervisor cannot tell", (_, start) => {
    const move = start();
    move.handle(happens.restored, 0);
    for (let nowMs = 0; nowMs <= 11_000; nowMs = move.nextTimeoutMs ?? Number.NaN) {
      move.handle(happens.timeout, nowMs);
      move.handle(verdict("in-doubt"), nowMs);
    }
    expect(move.inDoubt(params.doubtMs)).toBe(false);
    expect(move.inDoubt(params.askMsMax + params.doubtMs + 1)).toBe(true);
    move.handle(happens.runHere, 16_000);
    expect(move.inDoubt(40_000)).toBe(false);
  });

  it("tries a discard that failed again", () => {
    const move = states.discarding();
    move.handle(failed("discard"), 0);
    expect(wordsOf(move.handle(happens.timeout, params.askMsMax))).toEqual(["run discard"]);
  });

  it("tries a discard that failed again before it boots anew", () => {
    const move = states.rebooting();
    move.handle(failed("discard"), 0);
    expect(wordsOf(move.handle(happens.timeout, params.askMsMax))).toEqual(["run discard"]);
    expect(wordsOf(move.handle(succeeded("discard"), params.askMsMax))).toEqual(["run start"]);
    expect(move.nextTimeoutMs).toBeUndefined();
  });

  it("never runs old memory beside a disk that the other end may have written to", () => {
    const move = new SourceMove({ ...options, facts: factsOf("target", { spec: diskSpec }) });
    move.begin(0);
    for (const input of [...sent, plain("held")]) move.handle(input, 0);
    const orders = ["journal rebooting, own 9", "run discard"];
    expect(wordsOf(move.handle(happens.runHere, 0))).toEqual(orders);
    const again = restoredIn("rebooting", diskSpec);
    expect(wordsOf(again.handle(happens.restored, 0))).toEqual(["run discard"]);
    expect(again.handle(verdict("open"), 0)).toEqual([]);
  });

  it.each<[string, readonly MoveInput[], string[]]>([
    ["nothing was sent", [ready(), happens.cancelled, verdict("aborted")], ends],
    [
      "the target has refused before",
      [...sent, targetSays("refused"), verdict("open"), succeeded("takeBack")],
      ends,
    ],
    [
      "the target refuses while the copy is taken back",
      [...sent, happens.cancelled, verdict("open"), targetSays("refused"), succeeded("takeBack")],
      ends,
    ],
    [
      "the target's stream broke, which may have been whole",
      [...streaming, failed("migrateOut"), verdict("aborted")],
      ["journal takenBack", "run closeChannel"],
    ],
  ])("aborted, when %s, ends with %j", (_, inputs, last) => {
    const move = new SourceMove(options);
    move.begin(0);
    const orders = inputs.flatMap((input) => wordsOf(move.handle(input, 0)));
    expect(orders.slice(-last.length)).toEqual(last);
    expect(move.unclosed).toBe(last !== ends);
  });

  it("asks the silent target on and on after it took the guest back, and is in no doubt", () => {
    const move = states.takenBack();
    const askedAt: number[] = [];
    for (let nowMs = 500; nowMs <= 20_000; nowMs = move.nextTimeoutMs ?? Number.NaN) {
      expect(wordsOf(move.handle(happens.timeout, nowMs))).toEqual(["send query as source"]);
      askedAt.push(nowMs);
    }
    expect(askedAt).toEqual([500, 1_000, 2_000, 4_000, 8_000, 13_000, 18_000]);
    expect(move.inDoubt(20_000)).toBe(false);
  });

  it("tells how long the guest stood still and what was sent", () => {
    const move = new SourceMove(options);
    move.begin(0);
    for (const input of [ready(), succeeded("connectChannel")]) move.handle(input, 0);
    move.handle(sentOff(), 1_000);
    move.handle(plain("held"), 1_010);
    move.handle(targetSays("running"), 1_030);
    const orders = move.handle(succeeded("discard"), 1_500);
    expect(orders.at(-1)).toMatchObject({
      end: { result: "moved", detail: "", downtimeMs: 50, transferredBytes: 5_000 },
    });
  });

  it.each<[SourceState, boolean]>([
    ["beginning", true],
    ["connecting", true],
    ["streaming", true],
    ["sent", true],
    ["judging", true],
    ["forward", false],
    ["committed", false],
    ["aborted", false],
    ["takenBack", false],
    ["discarding", false],
    ["rebooting", false],
  ])("%s: may be cancelled: %s", (state, cancellable) => {
    expect(states[state]().cancellable).toBe(cancellable);
  });

  it("says that the guest runs here until it is sent", () => {
    const running = (Object.keys(states) as SourceState[]).filter(
      (state) => states[state]().guestRuns,
    );
    expect(running).toEqual(["beginning", "connecting", "streaming", "takenBack"]);
    expect(restoredIn("transferring").guestRuns).toBe(true);
    const restored = restoredIn("transferring");
    restored.handle(happens.restored, 0);
    expect(restored.guestRuns).toBe(false);
  });

  it("does nothing twice, whatever comes again", () => {
    for (const input of [query("target"), abort(), plain("commit")]) {
      const move = states.committed();
      expect(wordsOf(move.handle(input, 0)).filter((word) => word.startsWith("journal"))).toEqual(
        [],
      );
    }
    const move = states.committed();
    move.handle(targetSays("running"), 0);
    expect(move.handle(targetSays("running"), 0)).toEqual([]);
    expect(move.handle(targetSays("refused"), 0)).toEqual([]);
  });
});

function inputOf(happening: string): MoveInput {
  const input = allInputs[happening];
  if (!input) throw new Error(`the table names an unknown happening: ${happening}`);
  return input;
}
