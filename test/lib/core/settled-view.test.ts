import { describe, expect, it } from "vitest";
import { type HostNews, SettledView, vmsToldOnce } from "#lib/core/settled-view.ts";

function news(names: readonly string[], promisedCores = 0, vmCount = names.length): HostNews {
  return { promisedCores, vmCount, vms: names.map((name) => ({ name })) };
}

const settled = [news(["a", "b"]), news(["c"])];

describe("vmsToldOnce()", () => {
  it("counts the VMs of news that fit", () => {
    expect(vmsToldOnce(settled)).toBe(3);
    expect(vmsToldOnce([news(["a", "b"], -2), news(["c"], 2)])).toBe(3);
  });

  it.each([
    ["granted, and not yet told by the source", [news(["a"]), news(["b"], 2)]],
    ["told by both", [news(["a", "b"]), news(["b"])]],
    ["counted and not listed", [news(["a"], 0, 2), news(["b"])]],
  ])("is null while a VM is %s", (_, unsettled) => {
    expect(vmsToldOnce(unsettled)).toBeNull();
  });
});

describe("SettledView", () => {
  it("plans from news that fit", () => {
    expect(new SettledView().mayPlan(settled, 0)).toBe(true);
  });

  it("waits for the target's word on a VM that has left its source", () => {
    const view = new SettledView();
    view.mayPlan(settled, 0);
    expect(view.mayPlan([news(["a"]), news(["c"])], 1000)).toBe(false);
    expect(view.mayPlan([news(["a"]), news(["c", "b"])], 2000)).toBe(true);
  });

  it("does not wait for ever: a VM may have been stopped", () => {
    const view = new SettledView();
    view.mayPlan(settled, 0);
    const fewer = [news(["a"]), news(["c"])];
    for (let nowMs = 1000; nowMs < 10_000; nowMs += 1000) {
      expect(view.mayPlan(fewer, nowMs)).toBe(false);
    }
    expect(view.mayPlan(fewer, 10_000)).toBe(true);
    expect(view.mayPlan(fewer, 11_000)).toBe(true);
  });

  it("takes no long time without a look for a long wait", () => {
    const view = new SettledView();
    view.mayPlan(settled, 0);
    const unsettled = [news(["a"]), news(["c"], 2)];
    expect(view.mayPlan(unsettled, 60_000)).toBe(false);
    expect(view.mayPlan(unsettled, 61_000)).toBe(false);
  });
});
