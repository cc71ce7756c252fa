import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AnswerFault } from "#agent/switch/answer-fault.ts";
import { parseServersState } from "#agent/switch/parse-servers-state.ts";
import { expectFaultWhereverCut } from "../../support/cut-short.ts";

const captured = readFileSync("test/fixtures/haproxy-2.6/servers-state.txt", "latin1");

describe("parseServersState()", () => {
  it("reads what HAProxy 2.6 wrote", () => {
    const at = { backend: "web" };
    expect(parseServersState(captured)).toEqual([
      { ...at, name: "admins-own", address: "127.0.0.1", port: 9, state: "maint", weight: 3 },
      { ...at, name: "by_path", address: null, port: 0, state: "ready", weight: 1 },
      { ...at, name: "by_name", address: null, port: 80, state: "maint", weight: 1 },
      { ...at, name: "evenkeel-a", address: "192.0.2.1", port: 8080, state: "ready", weight: 100 },
      { ...at, name: "evenkeel-b", address: "2001:db8::1", port: 80, state: "drain", weight: 50 },
      { ...at, name: "evenkeel-c", address: "192.0.2.3", port: 80, state: "maint", weight: 1 },
    ]);
  });

  it("knows each way to be out of service", () => {
    const states = [0, 1, 2, 4, 8, 9, 16, 32, 64].map((admin) => {
      const text = captured.replace(
        "web 4 evenkeel-a 192.0.2.1 2 0",
        `web 4 x 192.0.2.1 2 ${admin}`,
      );
      return parseServersState(text).find(({ name }) => name === "x")?.state;
    });
    expect(states).toEqual([
      "ready",
      "maint",
      "maint",
      "ready",
      "drain",
      "maint",
      "drain",
      "maint",
      "maint",
    ]);
  });

  it("reads columns by name, wherever they are", () => {
    const answer = "1\n# srv_uweight x srv_port srv_addr srv_admin_state srv_name be_name\n";
    expect(parseServersState(`${answer}7 ? 80 192.0.2.1 0 a web\n\n`)).toEqual([
      { backend: "web", name: "a", address: "192.0.2.1", port: 80, state: "ready", weight: 7 },
    ]);
  });

  it("refuses an answer that was cut short, wherever", () => {
    expectFaultWhereverCut(parseServersState, captured);
  });

  it.each([
    ["another format", captured.replace("1\n", "2\n")],
    ["no header", captured.replace("# be_id", "be_id")],
    ["a missing column", captured.replace("srv_uweight", "srv_weight")],
    ["a field too few", captured.replace("3 web 4 ", "3 web ")],
    ["a field too many", captured.replace("3 web 4 ", "3 web 4 4 ")],
    ["a name that is none", captured.replace("evenkeel-a", "evenkeel;a")],
    ["a weight that is none", captured.replace(" 100 100 ", " -1 100 ")],
    ["a state that is none", captured.replace("192.0.2.1 2 0", "192.0.2.1 2 0x8")],
    ["a number beyond all bounds", captured.replace(" 8080 ", ` ${"9".repeat(30)} `)],
    ["nothing", ""],
  ])("refuses an answer with %s", (_, answer) => {
    expect(() => parseServersState(answer)).toThrow(AnswerFault);
  });

  it("throws nothing but AnswerFault, whatever it reads", () => {
    const damaged = fc
      .tuple(fc.nat(captured.length), fc.nat(20), fc.string({ unit: "binary" }))
      .map(([at, count, text]) => captured.slice(0, at) + text + captured.slice(at + count));
    fc.assert(
      fc.property(fc.oneof(damaged, fc.string({ unit: "binary" })), (answer) => {
        try {
          for (const { name } of parseServersState(answer)) expect(name).toMatch(/^[\w.:-]+$/);
        } catch (error) {
          expect(error).toBeInstanceOf(AnswerFault);
        }
      }),
    );
  });
});
