import { describe, expect, it } from "vitest";
import { Prng } from "#lib/base/prng.ts";
import { HostTable } from "#lib/view/host-table.ts";

function tableOf(...hosts: readonly string[]): HostTable {
  const table = new HostTable();
  for (const host of hosts) table.add(host);
  return table;
}

describe("HostTable", () => {
  it("lists hosts by id, and loses the removed one alone", () => {
    const table = tableOf("c", "a", "d", "b");
    const a = table.get("a");
    if (a) table.remove(a);
    expect([table.hosts(), table.size, table.get("a")]).toEqual([["b", "c", "d"], 3, undefined]);
    const d = table.get("d");
    if (d) table.remove(d);
    expect(
      table
        .all()
        .map(({ host }) => host)
        .sort(),
    ).toEqual(["b", "c"]);
  });

  it("picks each by chance, and comes to each in turn", () => {
    const table = tableOf("a", "b", "c");
    const prng = new Prng(1);
    const picked = new Set(Array.from({ length: 50 }, () => table.pick(prng)?.host));
    expect(picked.size).toBe(3);
    const turns = [...table.nextFew(2), ...table.nextFew(1)].map(({ host }) => host);
    expect(turns.sort()).toEqual(["a", "b", "c"]);
    expect(table.nextFew(9)).toHaveLength(3);
    expect(new HostTable().nextFew(3)).toEqual([]);
  });
});
