import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AnswerFault } from "#agent/switch/answer-fault.ts";
import { parseStatCsv } from "#agent/switch/parse-stat-csv.ts";
import { expectFaultWhereverCut } from "../../support/cut-short.ts";

const captured = readFileSync("test/fixtures/haproxy-2.6/stat.csv", "latin1");

describe("parseStatCsv()", () => {
  it("reads what HAProxy 2.6 wrote", () => {
    const none = { sessions: 0, queued: 0, connectionsMax: null };
    const names = ["admins-own", "by_path", "by_name", "evenkeel-a", "evenkeel-b", "evenkeel-c"];
    expect(parseStatCsv(captured)).toEqual([
      ...names.map((server) => ({ backend: "web", server, ...none })),
      { backend: "web", server: null, ...none, connectionsMax: 999 },
      { backend: "empty", server: null, ...none, connectionsMax: 1 },
    ]);
  });

  it("reads sessions and queue, by the columns' names, and leaves frontends out", () => {
    const header = "# type,scur,pxname,qcur,svname,slim,\n";
    const lines =
      '0,9,front,,FRONTEND,9,\n2,3,web,1,a,7,\n1,4,web,2,"BACKEND",,\n3,0,front,,sock,,\n';
    expect(parseStatCsv(`${header}${lines}\n`)).toEqual([
      { backend: "web", server: "a", sessions: 3, queued: 1, connectionsMax: 7 },
      { backend: "web", server: null, sessions: 4, queued: 2, connectionsMax: null },
    ]);
  });

  it("reads quoted fields with commas and quotes in them", () => {
    const answer =
      '# pxname,svname,qcur,scur,slim,type,last_chk,\nweb,a,0,1,,2,"no, ""really"" no",\n\n';
    const counts = { sessions: 1, queued: 0, connectionsMax: null };
    expect(parseStatCsv(answer)).toEqual([{ backend: "web", server: "a", ...counts }]);
  });

  it("refuses an answer that was cut short, wherever", () => {
    expectFaultWhereverCut(parseStatCsv, captured);
  });

  it.each([
    ["no header", captured.replace("# pxname", "pxname")],
    ["a missing column", captured.replace(",scur,", ",xcur,")],
    ["a field too few", captured.replace("web,evenkeel-a,0,", "web,evenkeel-a,")],
    ["a field too many", captured.replace("web,evenkeel-a,0,", "web,evenkeel-a,0,0,")],
    ["a name that is none", captured.replace("web,evenkeel-a,", "web,evenkeel a,")],
    ["no sessions", captured.replace("web,evenkeel-a,0,0,0,", "web,evenkeel-a,0,0,,")],
    ["an open quote", captured.replace("web,evenkeel-a,", 'web,"evenkeel-a,')],
    ["nothing", ""],
  ])("refuses an answer with %s", (_, answer) => {
    expect(() => parseStatCsv(answer)).toThrow(AnswerFault);
  });

  it("throws nothing but AnswerFault, whatever it reads", () => {
    const damaged = fc
      .tuple(fc.nat(captured.length), fc.nat(20), fc.string({ unit: "binary" }))
      .map(([at, count, text]) => captured.slice(0, at) + text + captured.slice(at + count));
    fc.assert(
      fc.property(fc.oneof(damaged, fc.string({ unit: "binary" })), (answer) => {
        try {
          for (const { sessions } of parseStatCsv(answer)) {
            expect(sessions).toBeGreaterThanOrEqual(0);
          }
        } catch (error) {
          expect(error).toBeInstanceOf(AnswerFault);
        }
      }),
    );
  });
});
