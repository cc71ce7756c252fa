import { expect, it } from "vitest";
import { VerbWaiters } from "#agent/runtime/verb-waiters.ts";
import { ManualClock } from "../../support/manual-clock.ts";

const done = { status: 200, message: "done", data: null, moveId: null };

it("VerbWaiters gives each asker its own answer, once", async () => {
  const waiters = new VerbWaiters(new ManualClock());
  const first = waiters.add();
  const second = waiters.add();
  waiters.reply(second.requestId ?? "", { ...done, message: "second" });
  waiters.reply(second.requestId ?? "", { ...done, message: "again" });
  waiters.reply(first.requestId ?? "", done);
  expect((await first.result).message).toBe("done");
  expect((await second.result).message).toBe("second");
});

it("VerbWaiters answers 504 when nobody else does", async () => {
  const clock = new ManualClock();
  const { result } = new VerbWaiters(clock).add();
  clock.advance(75_000);
  expect((await result).status).toBe(504);
  expect(clock.waiting).toBe(0);
});

it("VerbWaiters refuses more than 64 at a time, and lets all go when it stops", async () => {
  const waiters = new VerbWaiters(new ManualClock());
  const asked = Array.from({ length: 64 }, () => waiters.add());
  const refused = waiters.add();
  expect(refused.requestId).toBeNull();
  expect((await refused.result).status).toBe(503);
  waiters.stop();
  const answers = await Promise.all(asked.map(({ result }) => result));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([503]));
});
