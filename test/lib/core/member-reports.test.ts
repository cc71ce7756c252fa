import { describe, expect, it } from "vitest";
import { MemberReports } from "#lib/core/member-reports.ts";
import type { MemberReportMessage } from "#lib/wire/messages.ts";
import { runningNews } from "../../support/member-news-fixture.ts";

function report(seq: number, changes: Partial<MemberReportMessage> = {}): MemberReportMessage {
  const standing = { draining: false, utilisation: seq / 10, freeMemoryBytes: seq };
  return {
    ...{ type: "memberReport", incarnation: 1, seq, standing },
    ...{ members: [runningNews], switch: [], mayStage: ["web"], mayGo: [] },
    ...changes,
  };
}

const members = (reports: MemberReports) => [...reports.news.membersOf("web").keys()];

describe("MemberReports", () => {
  it("keeps each host's last report: its members, its standing, its word as steward", () => {
    const reports = new MemberReports();
    reports.heard("QmA", report(1), 0);
    reports.heard("QmA", report(2, { mayStage: [], mayGo: ["web"] }), 10);
    expect(members(reports)).toEqual(["QmA"]);
    expect(reports.standingOf("QmA")).toMatchObject({ host: "QmA", freeMemoryBytes: 2 });
    expect(reports.says("QmA", "mayGo", "web")).toBe(true);
    expect(reports.says("QmA", "mayStage", "web")).toBe(false);
    expect(reports.says("QmB", "mayGo", "web")).toBe(false);
    reports.heard("QmA", report(3, { members: [] }), 20);
    expect(members(reports)).toEqual([]);
  });

  it("passes over what is older, also of an earlier life that has just ended", () => {
    const reports = new MemberReports();
    reports.heard("QmA", report(5, { incarnation: 2 }), 0);
    const { changes } = reports;
    reports.heard("QmA", report(4, { incarnation: 2 }), 1);
    reports.heard("QmA", report(9), 2);
    expect(reports.changes).toBe(changes);
    // A host that lost its disk begins its numbers anew.
    reports.heard("QmA", report(1), 15_000);
    expect(reports.standingOf("QmA")).toMatchObject({ freeMemoryBytes: 1 });
  });

  it("forgets who reports no more, and takes no more hosts than a view holds", () => {
    const reports = new MemberReports();
    reports.heard("QmA", report(1), 0);
    for (let host = 0; host < 2_000; host += 1) reports.heard(`Qm${host}`, report(1), 39_000);
    expect(members(reports)).toHaveLength(1_024);
    reports.heard("QmB", report(1), 40_000);
    expect(reports.standingOf("QmA")).toBeUndefined();
    expect(members(reports)).toContain("QmB");
  });
});
