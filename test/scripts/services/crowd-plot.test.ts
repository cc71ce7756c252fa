import { describe, expect, it } from "vitest";
import type { LoadSecond } from "../../../scripts/load/load-seconds.ts";
import { type CrowdPlot, crowdPlot } from "../../../scripts/services/crowd-plot.ts";

function plotOf(changes: Partial<CrowdPlot> = {}): CrowdPlot {
  const seconds = Array.from({ length: 10 }, (_, second): LoadSecond => {
    return { second, requests: 8, ok: 8, lost: 0, p50Ms: 205, p99Ms: 240, maxMs: 240 };
  });
  return {
    title: "a crowd & its end",
    seconds,
    serving: [
      { second: -3, count: 1 },
      { second: 4, count: 3 },
    ],
    membersMax: 3,
    memberPerSecond: 20,
    targetMs: 500,
    ...changes,
  };
}

/** Numbers that a drawing cannot have. */
const BROKEN = /NaN|Infinity|undefined/;

describe("crowdPlot", () => {
  it("draws three panels, for white pages and for dark ones, with no script", () => {
    const svg = crowdPlot(plotOf());
    expect(svg.match(/font-weight="bold">/g)).toHaveLength(4);
    expect(svg).toContain("a crowd &amp; its end");
    expect(svg).toContain("prefers-color-scheme:dark");
    expect(svg).not.toMatch(/<script|href=/);
    expect(svg).not.toMatch(BROKEN);
  });

  it("draws members as steps that end where the next begins", () => {
    const steps = crowdPlot(plotOf()).match(/<rect class="serving"[^>]*>/g) ?? [];
    const [first, second] = steps.map((step) => {
      const figure = (name: string) => Number(new RegExp(` ${name}="([\\d.]+)"`).exec(step)?.[1]);
      return { from: figure("x"), to: figure("x") + figure("width"), height: figure("height") };
    });
    expect(steps).toHaveLength(2);
    expect(first?.to).toBeCloseTo(second?.from ?? 0);
    expect((second?.height ?? 0) / (first?.height ?? 1)).toBeCloseTo(3, 1);
  });

  it("shows what was lost", () => {
    const [one] = plotOf().seconds;
    if (one === undefined) throw new Error("no second");
    const svg = crowdPlot(plotOf({ seconds: [one, { ...one, second: 1, lost: 5 }] }));
    expect(svg).toContain("lost: 5");
    expect(svg.match(/<rect class="lost"/g)).toHaveLength(2);
  });

  it("stays whole for a run of no second", () => {
    expect(crowdPlot(plotOf({ seconds: [], serving: [] }))).not.toMatch(BROKEN);
  });
});
