/** The target's way to its vote, where time and details matter; the phases are TargetMove's. */
import { describe, expect, it } from "vitest";
import { Asking } from "#lib/moves/asking.ts";
import { Discarding } from "#lib/moves/discarding.ts";
import { OrderSheet } from "#lib/moves/order-sheet.ts";
import { defaultMoveParams as params } from "#lib/moves/params.ts";
import { TargetReception } from "#lib/moves/target-reception.ts";
import {
  abort,
  factsOf,
  happens,
  moveId,
  plain,
  sourceSays,
  spec,
  succeeded,
  wordsOf,
} from "../../support/move-fixture.ts";

function receptionOf() {
  const facts = factsOf("source");
  const sheet = new OrderSheet(facts);
  const begun = () => sheet.warn("begun", "");
  const asking = new Asking(params);
  const reception = new TargetReception({
    discarding: new Discarding(),
    facts,
    params,
    sheet,
    asking,
    begun,
  });
  reception.grant(0);
  sheet.take();
  return { reception, sheet };
}

describe("TargetReception", () => {
  it("writes that it began before it starts anything, once", () => {
    const { reception, sheet } = receptionOf();
    reception.handle(plain("begin"), 0);
    const orders = sheet.take();
    expect(wordsOf(orders)).toEqual(["warn begun", "run prepareIncoming"]);
    expect(orders[1]).toMatchObject({ op: { moveId, spec, source: "source" } });
    reception.handle(plain("begin"), 0);
    expect(sheet.take()).toEqual([]);
  });

  it("tells where its channel listens", () => {
    const { reception, sheet } = receptionOf();
    reception.handle(plain("begin"), 0);
    sheet.take();
    reception.handle(succeeded("listenChannel", { port: 4711, address: "10.9.9.2" }), 0);
    expect(sheet.take()[0]).toMatchObject({
      message: { type: "ready", channelPort: 4711, channelAddress: "10.9.9.2" },
    });
  });

  it("has no time limit while the source answers, and gives a silent one up", () => {
    const { reception, sheet } = receptionOf();
    reception.handle(plain("begin"), 0);
    sheet.take();
    for (let nowMs = 50_000; nowMs <= 500_000; nowMs += 50_000) {
      expect(reception.handle(happens.timeout, nowMs)).toBeNull();
      reception.handle(sourceSays("open"), nowMs);
    }
    expect(reception.deadlineMs).toBe(500_000 + params.silenceMs);
    const silent = { kind: "refuse", detail: "the source stayed silent" };
    expect(reception.handle(happens.timeout, 500_000 + params.silenceMs)).toEqual(silent);
  });

  it("goes on when the source's hypervisor gave the copy away by itself", () => {
    const { reception } = receptionOf();
    reception.handle(plain("begin"), 0);
    expect(reception.handle(sourceSays("committed"), 10_000)).toBeNull();
    expect(reception.deadlineMs).toBe(10_000 + params.silenceMs);
    expect(reception.handle(succeeded("awaitIncoming"), 10_000)).toEqual({ kind: "hold" });
  });

  it("asks the source, that it may give up what nobody sends any more", () => {
    const { reception, sheet } = receptionOf();
    reception.handle(plain("begin"), 0);
    sheet.take();
    reception.handle(happens.timeout, params.askMsMax);
    expect(wordsOf(sheet.take())).toEqual(["send query as target"]);
    const gone = { kind: "refuse", detail: "the source says aborted" };
    expect(reception.handle(sourceSays("aborted"), params.askMsMax)).toEqual(gone);
  });

  it("forgets a grant that was withdrawn, and promises nothing about it", () => {
    const { reception } = receptionOf();
    const lapse = { kind: "lapse", detail: "the source aborted: changed its mind" };
    expect(reception.handle(abort(), 0)).toEqual(lapse);
  });
});
