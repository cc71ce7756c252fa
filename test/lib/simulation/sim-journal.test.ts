import { describe, expect, it } from "vitest";
import { Prng } from "#lib/base/prng.ts";
import { SimJournal } from "#lib/simulation/sim-journal.ts";
import { VirtualClock } from "#lib/simulation/virtual-clock.ts";

function journalOf(seed: number) {
  const clock = new VirtualClock();
  const told: string[] = [];
  const journal = new SimJournal({
    clock,
    prng: new Prng(seed),
    syncMsMax: 2,
    synced: (entries) => told.push(...entries.map((entry) => entry.key)),
  });
  return { clock, journal, told };
}

describe("SimJournal", () => {
  it("makes a write durable about a millisecond later, and only then says so", () => {
    const { clock, journal, told } = journalOf(1);
    let done = false;
    journal.write([{ key: "b", value: "1" }], () => {
      done = true;
    });
    expect([done, journal.lines()]).toEqual([false, []]);
    while (clock.runNext(10));
    expect([done, told]).toEqual([true, ["b"]]);
    journal.write(
      [
        { key: "a", value: "2" },
        { key: "b", value: null },
      ],
      () => {},
    );
    while (clock.runNext(20));
    expect(journal.lines()).toEqual([{ key: "a", value: "2" }]);
    expect(journal.line("a")).toBe("2");
  });

  it("crash() makes the write under way durable or not, and tells nobody", () => {
    const outcomes = new Set<number>();
    for (let seed = 1; seed <= 20; seed += 1) {
      const { clock, journal } = journalOf(seed);
      journal.write([{ key: "a", value: "1" }], () => {
        throw new Error("a dead writer was told");
      });
      journal.crash();
      while (clock.runNext(10));
      outcomes.add(journal.lines().length);
    }
    expect([...outcomes].sort()).toEqual([0, 1]);
  });

  it("erase() leaves an empty disk", () => {
    const { clock, journal } = journalOf(1);
    journal.write([{ key: "a", value: "1" }], () => {});
    while (clock.runNext(10));
    journal.erase();
    expect(journal.lines()).toEqual([]);
  });
});
