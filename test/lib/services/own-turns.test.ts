import { describe, expect, it } from "vitest";
import { OwnTurns } from "#lib/services/own-turns.ts";
import { memberEntry } from "../../support/service-fixture.ts";

const waiting = (service: string) =>
  memberEntry("node-1", { service, state: "absent", waiting: true });
const newTurns = () => new OwnTurns("node-1", { stagingsMax: 4, turnMs: 3_000 });

describe("OwnTurns", () => {
  it("come once they have lasted a while", () => {
    const turns = newTurns();
    expect(turns.nextTimeoutMs).toBe(undefined);
    expect(turns.due([waiting("web")], 1_000)).toEqual([]);
    expect(turns.nextTimeoutMs).toBe(4_000);
    expect(turns.due([waiting("web")], 3_999)).toEqual([]);
    expect(turns.due([waiting("web")], 4_000)).toEqual(["web"]);
  });

  it("begin anew when they were lost to another host meanwhile", () => {
    const turns = newTurns();
    turns.due([waiting("web")], 0);
    const other = memberEntry("node-2", { state: "staging" });
    expect(turns.due([{ ...waiting("web"), state: "stale" }, other], 2_000)).toEqual([]);
    expect(turns.nextTimeoutMs).toBe(undefined);
    expect(turns.due([waiting("web")], 3_000)).toEqual([]);
    expect(turns.due([waiting("web")], 6_000)).toEqual(["web"]);
  });

  it("are those of this host alone", () => {
    const turns = newTurns();
    const other = { ...waiting("web"), host: "node-2" };
    turns.due([other], 0);
    expect(turns.due([other], 9_000)).toEqual([]);
  });
});
