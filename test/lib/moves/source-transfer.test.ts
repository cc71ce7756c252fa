/** The source's way to its decision, where time and details matter; the phases are SourceMove's. */
import { beforeEach, describe, expect, it } from "vitest";
import { Asking } from "#lib/moves/asking.ts";
import type { MoveInput, MoveOrder } from "#lib/moves/move-order.ts";
import { OrderSheet } from "#lib/moves/order-sheet.ts";
import { defaultMoveParams as params } from "#lib/moves/params.ts";
import { type SourceDecision, SourceTransfer } from "#lib/moves/source-transfer.ts";
import {
  factsOf,
  failed,
  happens,
  listed,
  moveId,
  plain,
  ready,
  sentOff,
  succeeded,
  targetSays,
  verdict,
  wordsOf,
} from "../../support/move-fixture.ts";

const facts = factsOf("target");
const limits = { bandwidthBytesPerSecond: 7, downtimeMs: 300, noProgressMs: 30_000 };

let sheet: OrderSheet;
let transfer: SourceTransfer;

beforeEach(() => {
  sheet = new OrderSheet(facts);
  const asking = new Asking(params);
  const addresses = ["/ip4/10.0.0.2/tcp/7000"];
  transfer = new SourceTransfer({ facts, addresses, limits, params, sheet, asking });
  transfer.begin(0);
  sheet.take();
});

function feed(nowMs: number, ...inputs: MoveInput[]): SourceDecision | null {
  let decision: SourceDecision | null = null;
  for (const input of inputs) decision = transfer.handle(input, nowMs);
  return decision;
}

function orders(): readonly MoveOrder[] {
  return sheet.take();
}

const streaming = [ready(), succeeded("connectChannel")];
const commit: SourceDecision = { kind: "commit" };

describe("SourceTransfer", () => {
  it("dials the addresses of the target's host, or the migration network that it names", () => {
    feed(0, ready());
    expect(orders()).toMatchObject([
      { op: { op: "connectChannel", addresses: ["/ip4/10.0.0.2/tcp/7000"], port: 4001 } },
    ]);
    const other = new SourceTransfer({
      ...{ facts, addresses: [], limits, params, sheet, asking: new Asking(params) },
    });
    other.handle(ready("10.9.9.2"), 0);
    expect(orders()).toMatchObject([{ op: { addresses: ["10.9.9.2"], target: "target" } }]);
  });

  it("sends within the limits that are set", () => {
    feed(0, ...streaming);
    expect(orders().at(-1)).toMatchObject({ op: { op: "migrateOut", moveId, limits } });
  });

  it("connects once, whatever is said again", () => {
    feed(0, ...streaming);
    orders();
    feed(0, ...streaming, failed("connectChannel"));
    expect(orders()).toEqual([]);
  });

  describe("with the vote", () => {
    it.each([
      ["on the instant", 1_000, commit],
      ["a second old", 1_000 + params.voteFreshMs, commit],
      ["older than that", 1_001 + params.voteFreshMs, null],
    ])("%s when the copy is sent", (_, sentAtMs, decision) => {
      feed(1_000, ...streaming, plain("held"));
      expect(feed(sentAtMs, sentOff())).toEqual(decision);
      expect(transfer.stage).toBe("sent");
    });

    it("asks anew for one that is too old, and commits on the answer", () => {
      feed(0, ...streaming, plain("held"));
      orders();
      feed(5_000, sentOff());
      expect(wordsOf(orders())).toEqual(["send query as source"]);
      expect(feed(5_010, targetSays("held"))).toEqual(commit);
    });

    it("forgets a vote from before the agent stood still", () => {
      feed(0, ...streaming, plain("held"), happens.woken);
      expect(feed(0, sentOff())).toBeNull();
    });

    it("reads the hypervisor again after standing still, then needs a fresh vote", () => {
      feed(0, ...streaming, sentOff(), happens.woken);
      expect(feed(10, plain("held"))).toBeNull();
      expect(feed(20, verdict("open"))).toEqual(commit);
    });

    it("aborts after standing still, when the guest is found running", () => {
      feed(0, ...streaming, sentOff(), happens.woken);
      const reason = "the guest was found running";
      expect(feed(0, verdict("aborted"))).toEqual({ kind: "abort", copyPaused: false, reason });
    });

    it("commits forward at once when a fresh one came before the copy vanished", () => {
      feed(0, ...streaming, happens.cancelled, sentOff(), plain("held"));
      expect(feed(500, verdict("gone"))).toEqual(commit);
      expect(transfer.stage).toBe("forward");
    });

    it("takes the copy back when none came in time", () => {
      feed(100, ...streaming, sentOff());
      orders();
      expect(transfer.deadlineMs).toBe(100 + params.voteMs);
      feed(100 + params.voteMs, happens.timeout);
      expect(wordsOf(orders())).toEqual(["run moveVerdict"]);
      const reason = "no vote came in time";
      const abort = { kind: "abort", copyPaused: true, reason };
      // The decision stands: a vote that comes now is too late.
      expect(feed(3_110, plain("held"))).toBeNull();
      expect(feed(3_120, verdict("open"))).toEqual(abort);
    });
  });

  it("gives a target up that is not ready in time", () => {
    expect(transfer.deadlineMs).toBe(params.readyMs);
    feed(params.readyMs - 1, happens.timeout);
    expect(orders()).toEqual([]);
    feed(params.readyMs, happens.timeout);
    expect(wordsOf(orders())).toEqual(["run moveVerdict"]);
    const reason = "the target was not ready in time";
    expect(feed(0, verdict("aborted"))).toEqual({ kind: "abort", copyPaused: false, reason });
    expect(transfer.deadlineMs).toBeUndefined();
  });

  it("has no deadline of its own while it streams: the hypervisor watches headway", () => {
    feed(0, ...streaming);
    expect(transfer.deadlineMs).toBeUndefined();
  });

  it("cancels a stream once, and judges by what its end leaves", () => {
    feed(0, ...streaming, happens.cancelled, targetSays("refused", "no room"));
    expect(wordsOf(orders()).filter((word) => word === "run cancelMigration")).toHaveLength(1);
    feed(0, failed("migrateOut"));
    expect(wordsOf(orders())).toEqual(["run moveVerdict"]);
    const decision = feed(0, verdict("aborted"));
    expect(decision).toEqual({ kind: "abort", copyPaused: false, reason: "cancelled" });
  });

  it("judges an order to migrate that was not answered only once its channel is closed", () => {
    feed(0, ...streaming);
    orders();
    feed(0, failed("migrateOut", "TIMED_OUT"));
    expect(wordsOf(orders())).toEqual(["run closeChannel"]);
    feed(0, succeeded("closeChannel"));
    expect(wordsOf(orders())).toEqual(["run moveVerdict"]);
    const decision = feed(0, verdict("open"));
    expect(decision).toEqual({ kind: "abort", copyPaused: true, reason: "migrateOut failed" });
  });

  it("takes back a copy that was whole before the cancel reached it", () => {
    feed(0, ...streaming, happens.cancelled, sentOff());
    const decision = feed(0, verdict("open"));
    expect(decision).toEqual({ kind: "abort", copyPaused: true, reason: "cancelled" });
  });

  it("keeps the target's words for its reason", () => {
    feed(0, targetSays("refused", "no such image"));
    expect(feed(0, verdict("aborted"))).toMatchObject({ reason: "no such image" });
  });

  it("asks its hypervisor again while that cannot tell", () => {
    transfer.restore();
    orders();
    feed(0, failed("moveVerdict"));
    feed(params.askMsMax, happens.timeout);
    expect(wordsOf(orders())).toEqual(["run moveVerdict"]);
    const reason = "the source's agent was restarted during the move";
    expect(feed(0, verdict("open"))).toEqual({ kind: "abort", copyPaused: true, reason });
  });

  it("asks the target again for as long as the vote is missing", () => {
    feed(0, ...streaming, sentOff());
    orders();
    feed(params.askMsMin, happens.timeout);
    expect(wordsOf(orders())).toEqual(["send query as source"]);
  });

  it("calls the VM lost when the copy is gone and the target waits in vain", () => {
    feed(0, ...streaming, sentOff(), listed(null));
    expect(wordsOf(orders()).slice(-2)).toEqual(["run closeChannel", "send query as source"]);
    expect(feed(params.readyMs, targetSays("busy"))).toBeNull();
    expect(orders()).toEqual([]);
    const reason = "the guest ended before it was sent";
    expect(feed(params.readyMs + 1, targetSays("busy"))).toEqual({ kind: "lose", reason });
    expect(wordsOf(orders())).toEqual(["send abort"]);
  });

  it.each([
    ["after a restart", () => transfer.restore()],
    ["after a stream that broke", () => feed(0, ...streaming, plain("held"), failed("migrateOut"))],
    ["before it was sent", () => feed(0, ...streaming, listed(null), happens.cancelled)],
  ])("never commits an older memory: a copy that is gone %s may have run on", (_, before) => {
    before();
    feed(0, failed("migrateOut"));
    const reason = "the guest ended, and was not seen to be sent before";
    expect(feed(0, verdict("gone"))).toEqual({ kind: "lose", reason });
  });

  it("measures how long the guest stood still and what was sent", () => {
    expect(transfer.pausedSinceMs).toBeUndefined();
    feed(2_000, ...streaming, sentOff());
    expect(transfer.pausedSinceMs).toBe(1_980);
    expect(transfer.transferredBytes).toBe(5_000);
  });
});
