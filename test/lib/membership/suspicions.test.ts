import { describe, expect, it } from "vitest";
import { Awareness } from "#lib/membership/awareness.ts";
import { membershipDefaults } from "#lib/membership/params.ts";
import { Suspicions } from "#lib/membership/suspicions.ts";

function begun(awareness = new Awareness(8)): Suspicions {
  const suspicions = new Suspicions(membershipDefaults, awareness);
  suspicions.begin("x", { startedAtMs: 1000, extraMs: 0 });
  return suspicions;
}

describe("Suspicions", () => {
  it("runs out sooner with each independent accuser", () => {
    const suspicions = begun();
    const times = ["a", "b", "c", "d"].map((by) => {
      expect(suspicions.accuse("x", by, 20)).toBe(true);
      return suspicions.nextMs();
    });
    expect(times[0]).toBe(7000);
    expect(times[3]).toBe(3000);
    expect([...times].sort((a, b) => Number(b) - Number(a))).toEqual(times);
  });

  it("counts an accuser once, and no more than are needed", () => {
    const suspicions = begun();
    suspicions.accuse("x", "a", 20);
    expect(suspicions.accuse("x", "a", 20)).toBe(false);
    for (const by of ["b", "c", "d"]) suspicions.accuse("x", by, 20);
    expect(suspicions.accuse("x", "e", 20)).toBe(false);
    expect(suspicions.accusersOf("x")).toBe(4);
  });

  it("needs one confirmation only where one other could give it", () => {
    const suspicions = begun();
    suspicions.accuse("x", "a", 1);
    suspicions.accuse("x", "b", 1);
    expect(suspicions.nextMs()).toBe(3000);
  });

  it("waits longer on a host that is not well itself", () => {
    const awareness = new Awareness(8);
    awareness.raise(4);
    const suspicions = begun(awareness);
    suspicions.accuse("x", "a", 20);
    expect(suspicions.nextMs()).toBe(13_000);
  });

  it("gives the time back in which this host stood still", () => {
    const suspicions = begun();
    suspicions.accuse("x", "a", 20);
    suspicions.postpone(20_000);
    expect(suspicions.nextMs()).toBe(27_000);
    suspicions.accuse("x", "b", 1);
    expect(suspicions.nextMs()).toBe(23_000);
  });

  it("awaits a restart whoever accuses", () => {
    const suspicions = begun();
    suspicions.await("x", 60_000);
    expect(suspicions.accuse("x", "a", 20)).toBe(false);
    expect(suspicions.nextMs()).toBe(60_000);
  });

  it("is over when it ends", () => {
    const suspicions = begun();
    suspicions.accuse("x", "a", 20);
    suspicions.end("x");
    expect(suspicions.nextMs()).toBeUndefined();
    expect(suspicions.due(99_999)).toEqual([]);
  });
});
