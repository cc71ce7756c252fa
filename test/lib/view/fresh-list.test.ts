import { describe, expect, it } from "vitest";
import { FreshList } from "#lib/view/fresh-list.ts";
import { HostTable } from "#lib/view/host-table.ts";
import { summaryRecord } from "../../support/view-records.ts";

const table = new HostTable();
function listOf(...made: readonly (readonly [string, number])[]): FreshList {
  const list = new FreshList();
  for (const [host, madeAtMs] of made) {
    const records = table.get(host) ?? table.add(host);
    const record = summaryRecord(host, madeAtMs);
    records.summary = { records, record, receivedAtMs: 99_999, madeAtMs };
    list.add(records.summary);
  }
  return list;
}

function visited(list: FreshList, sinceMs = 0, countMax = 1e9): string[] {
  const hosts: string[] = [];
  list.visit(sinceMs, ({ records }) => hosts.push(records.host) < countMax);
  return hosts;
}

describe("FreshList", () => {
  it("visits by when they were made, whenever they came, each host's newest alone", () => {
    const list = listOf(["a", 10], ["b", 30], ["c", 20], ["a", 25]);
    expect(visited(list)).toEqual(["b", "a", "c"]);
    expect(visited(list, 25)).toEqual(["b", "a"]);
    expect(visited(list, 0, 1)).toEqual(["b"]);
  });

  it("passes over a host that is forgotten", () => {
    const list = listOf(["a", 10], ["b", 20]);
    const b = table.get("b");
    if (b) b.summary = undefined;
    expect(visited(list)).toEqual(["a"]);
  });

  it("stays bounded, and keeps the newest", () => {
    const list = listOf(...Array.from({ length: 2_000 }, (_, i) => [`h${i}`, i] as const));
    const hosts = visited(list);
    expect(hosts.length).toBeLessThanOrEqual(512);
    expect(hosts.slice(0, 256)).toEqual(Array.from({ length: 256 }, (_, i) => `h${1999 - i}`));
  });
});
