import { describe, expect, it } from "vitest";
import type { Member } from "#lib/membership/member-table.ts";
import { MemberTable } from "#lib/membership/member-table.ts";

function member(host: string, state: Member["state"]): Member {
  return { host, state, incarnation: 0, sinceMs: 0, restarting: false };
}

describe("MemberTable", () => {
  it("keeps its members in order and counts the living through every change", () => {
    const table = new MemberTable();
    for (const host of ["c", "a", "b"]) table.set(member(host, "alive"));
    expect(table.sorted().map(({ host }) => host)).toEqual(["a", "b", "c"]);
    expect(table.aliveCount).toBe(3);
    table.set(member("b", "dead"));
    table.set(member("b", "dead"));
    expect(table.aliveCount).toBe(2);
    expect(table.hostsIn("dead")).toEqual(["b"]);
    table.delete("a");
    table.delete("a");
    expect(table.aliveCount).toBe(1);
    expect(table.hostsIn("alive")).toEqual(["c"]);
  });
});
