import { describe, expect, it } from "vitest";
import { Bearers } from "#lib/view/bearers.ts";

describe("Bearers", () => {
  it("knows a name that one host bears from one that two do, through every change", () => {
    const bearers = new Bearers();
    bearers.rename(undefined, "a");
    expect(bearers.maybeShared("a")).toBe(false);
    bearers.rename(undefined, "a");
    expect(bearers.maybeShared("a")).toBe(true);
    bearers.rename("a", "a");
    bearers.rename("a", "b");
    expect([bearers.maybeShared("a"), bearers.maybeShared("b")]).toEqual([false, false]);
  });

  it("suspects few of a thousand different names, and never forgets a full count", () => {
    const bearers = new Bearers();
    const names = Array.from({ length: 1000 }, (_, index) => `host-${index}`);
    for (const name of names) bearers.rename(undefined, name);
    expect(names.filter((name) => bearers.maybeShared(name)).length).toBeLessThan(200);
    for (let times = 0; times < 300; times += 1) bearers.rename(undefined, "same");
    for (let times = 0; times < 298; times += 1) bearers.rename("same", undefined);
    expect(bearers.maybeShared("same")).toBe(true);
  });
});
