import { describe, expect, it } from "vitest";
import { Outbox } from "#lib/core/outbox.ts";
import { ReportDesk } from "#lib/core/report-desk.ts";
import type { ReportDraft } from "#lib/core/report-drafts.ts";
import type { MemberNews } from "#lib/model/member-news.ts";
import { runningNews } from "../../support/member-news-fixture.ts";

const standing = { host: "QmSelf", draining: false, utilisation: 0.5, freeMemoryBytes: 7 };

function draft(changes: Partial<MemberNews> = {}): ReportDraft {
  return { members: [{ ...runningNews, ...changes }], switch: [], mayStage: [], mayGo: [] };
}

function desk() {
  const outbox = new Outbox();
  const reports = new ReportDesk({ outbox, incarnation: () => 3 });
  /** Whom it writes to at this time, with which state of the member. */
  const tell = (drafts: Readonly<Record<string, ReportDraft>>, nowMs: number) => {
    reports.tell(new Map(Object.entries(drafts)), () => standing, nowMs);
    return outbox.take().flatMap((effect) => {
      if (effect.type !== "send" || effect.message.type !== "memberReport") return [];
      return [[effect.to, effect.message.members[0]?.state ?? "nothing", effect.message.seq]];
    });
  };
  return { reports, outbox, tell };
}

describe("ReportDesk", () => {
  it("tells each host what concerns it, with its own standing, and numbers what it says", () => {
    const { reports, outbox } = desk();
    reports.tell(new Map([["QmA", draft()]]), () => standing, 0);
    expect(outbox.take()).toEqual([
      {
        type: "send",
        to: "QmA",
        message: {
          ...{ type: "memberReport", incarnation: 3, seq: 1, ...draft() },
          standing: { draining: false, utilisation: 0.5, freeMemoryBytes: 7 },
        },
      },
    ]);
  });

  it("tells at once what became of a member, and loads after a while unless they leap", () => {
    const { tell } = desk();
    expect(tell({ QmA: draft({ cpuShare: 0.5 }) }, 0)).toEqual([["QmA", "running", 1]]);
    expect(tell({ QmA: draft({ cpuShare: 0.55 }) }, 1_000)).toEqual([]);
    expect(tell({ QmA: draft({ cpuShare: 0.55 }) }, 2_000)).toEqual([["QmA", "running", 2]]);
    expect(tell({ QmA: draft({ cpuShare: 0.7 }) }, 2_010)).toEqual([["QmA", "running", 3]]);
    expect(tell({ QmA: draft({ state: "draining" }) }, 2_020)).toEqual([["QmA", "draining", 4]]);
  });

  it("says the same again every 10 s, and once that nothing is left to say", () => {
    const { tell } = desk();
    tell({ QmA: draft(), QmB: draft() }, 0);
    expect(tell({ QmA: draft(), QmB: draft() }, 9_999)).toEqual([]);
    expect(tell({ QmA: draft() }, 10_000)).toEqual([
      ["QmB", "nothing", 3],
      ["QmA", "running", 4],
    ]);
    expect(tell({ QmA: draft() }, 10_100)).toEqual([]);
  });
});
