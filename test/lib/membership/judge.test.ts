import { describe, expect, it } from "vitest";
import { Prng } from "#lib/base/prng.ts";
import { Awareness } from "#lib/membership/awareness.ts";
import { Judge } from "#lib/membership/judge.ts";
import { MemberTable } from "#lib/membership/member-table.ts";
import { Outbox } from "#lib/membership/outbox.ts";
import { membershipDefaults } from "#lib/membership/params.ts";

function court(hosts: readonly string[]) {
  const table = new MemberTable();
  const outbox = new Outbox();
  const judge = new Judge({
    self: "me",
    params: membershipDefaults,
    prng: new Prng(1),
    awareness: new Awareness(8),
    table,
    outbox,
  });
  for (const host of hosts) judge.recordSeen(host, { incarnation: 0, presence: "here" }, 0);
  outbox.take();
  return { table, outbox, judge };
}

describe("Judge", () => {
  it("says each change once, with what led to it", () => {
    const { judge, outbox } = court(["x"]);
    judge.probeFailed("x", 10);
    judge.probeFailed("x", 20);
    const changes = outbox.take().filter((order) => order.type === "changed");
    expect(changes).toEqual([
      {
        type: "changed",
        host: "x",
        state: "suspect",
        previous: "alive",
        because: "it answered no probe",
      },
    ]);
  });

  it("keeps its own accusation to itself when enough have spoken", () => {
    const { judge, outbox } = court(["a", "b", "c", "d", "x"]);
    for (const by of ["a", "b", "c", "d"]) {
      judge.verdictHeard({ host: "x", incarnation: 0, state: "suspect", by }, 10);
    }
    outbox.take();
    judge.probeFailed("x", 20);
    expect(outbox.take()).toEqual([]);
  });

  it("spreads a death that it found itself, and none that it was told of", () => {
    const { judge, outbox } = court(["a", "x", "y"]);
    judge.verdictHeard({ host: "x", incarnation: 0, state: "dead", by: "a" }, 10);
    judge.probeFailed("y", 10);
    outbox.take();
    judge.timeout(20_000);
    const spread = outbox.take().filter((order) => order.type === "spread");
    expect(spread.map(({ verdict }) => [verdict.host, verdict.state])).toEqual([["y", "dead"]]);
  });

  it("spreads a death that others accused seldom where there are many, as everybody finds it", () => {
    const hosts = Array.from({ length: 1000 }, (_, index) => `h${index}`);
    const { judge, outbox } = court(hosts);
    for (const host of hosts.slice(0, 100)) {
      judge.verdictHeard({ host, incarnation: 0, state: "suspect", by: "h999" }, 10);
    }
    judge.probeFailed("h500", 10);
    outbox.take();
    judge.timeout(20_000);
    const orders = outbox.take();
    const spread = orders.filter((order) => order.type === "spread");
    expect(spread.map(({ verdict }) => verdict.host)).toContain("h500");
    expect(spread.length).toBeLessThan(6);
    expect(orders.filter((order) => order.type === "changed")).toHaveLength(101);
    expect(judge.verdicts().length).toBe(64);
  });

  it("forgets a member without a word", () => {
    const { judge, outbox, table } = court(["x", "y"]);
    judge.probeFailed("x", 10);
    outbox.take();
    judge.forget("x");
    expect([table.get("x"), judge.nextMs(), judge.verdicts()]).toEqual([undefined, undefined, []]);
    expect(outbox.take()).toEqual([]);
  });

  it("lets an ack at a higher incarnation acquit, and one at the same not", () => {
    const { judge, table } = court(["x"]);
    judge.probeFailed("x", 10);
    judge.ackProved("x", 0, 20);
    expect(table.get("x")?.state).toBe("suspect");
    judge.ackProved("x", 1, 30);
    expect(table.get("x")).toMatchObject({ state: "alive", incarnation: 1, sinceMs: 30 });
    expect(judge.nextMs()).toBeUndefined();
  });

  it("believes no hearsay of an incarnation that nobody could ever refute", () => {
    const { judge, table } = court(["x"]);
    const incarnation = Number.MAX_SAFE_INTEGER;
    judge.verdictHeard({ host: "x", incarnation, state: "dead", by: "a" }, 10);
    judge.ackProved("x", incarnation, 10);
    expect(table.get("x")).toMatchObject({ state: "alive", incarnation: 0 });
  });

  it("never lets an incarnation fall", () => {
    const { judge, table } = court(["x"]);
    judge.recordSeen("x", { incarnation: 7, presence: "here" }, 10);
    judge.recordSeen("x", { incarnation: 3, presence: "left" }, 20);
    judge.verdictHeard({ host: "x", incarnation: 6, state: "dead", by: "a" }, 30);
    expect(table.get("x")).toMatchObject({ state: "alive", incarnation: 7 });
  });
});
