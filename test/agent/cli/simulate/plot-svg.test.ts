import { describe, expect, it } from "vitest";
import { LoadHistory } from "#agent/cli/simulate/load-history.ts";
import { escapeXml, niceSteps, type Panel, toX, toY } from "#agent/cli/simulate/plot-scale.ts";
import { plotSvg } from "#agent/cli/simulate/plot-svg.ts";

/** The text of each element without children, or a complaint about the first tag out of place. */
function wellFormed(xml: string): string {
  const open: string[] = [];
  for (const [tag, close, name = "", attributes = "", alone] of xml.matchAll(
    /<(\/?)([a-z]+)((?:\s+[a-zA-Z0-9:-]+="[^"<]*")*)\s*(\/?)>|<|&(?!(?:amp|lt|gt|quot);)/g,
  )) {
    if (name === "") return `stray ${tag}`;
    if (close && (open.pop() !== name || attributes)) return `stray ${tag}`;
    if (!close && !alone) open.push(name);
  }
  return open.length === 0 ? "well-formed" : `unclosed ${open.join()}`;
}

function historyOf(
  hosts: number,
  seconds: number,
  shareAt: (host: number, second: number) => number,
) {
  const history = new LoadHistory(seconds);
  for (let second = 1; second <= seconds; second++) {
    const shares = Array.from({ length: hosts }, (_, host) => shareAt(host, second));
    const spread = { cpuSd: 0, cpuMax: 0, memSd: 0, memMax: 0 };
    history.observe({ second, moves: 0, spread, cpuShares: shares, memoryShares: shares });
  }
  return history;
}

const move = { vm: "a", from: "x", to: "y", gain: 1, cost: 0, reason: "hot" } as const;
const result = {
  seconds: 200,
  secondsTo95: 40,
  moveLog: [
    { ...move, second: 3 },
    { ...move, second: 199.9 },
  ],
  before: { cpuSd: 0.2, memSd: 0.3 },
  after: { cpuSd: 0.02, memSd: 0.03 },
};

describe("plotSvg()", () => {
  it("draws a line for each of few hosts", () => {
    const history = historyOf(5, 200, (host, second) => (host + second / 200) / 6);
    const svg = plotSvg({ title: "five", history, result });
    expect(wellFormed(svg)).toBe("well-formed");
    expect(svg.match(/<polyline /g)).toHaveLength(2 * 5);
    expect(svg).toContain(">CPU, sd 0.200 → 0.020<");
    expect(svg).toContain(">95 % level after 40 s<");
    expect(svg).toContain(">least loaded<");
  });

  it("draws bands for many, and stays small", () => {
    const history = historyOf(1_000, 200, (host, second) => (host % 7) / 7 + 1 / second);
    const svg = plotSvg({ title: "many", history, result });
    expect(wellFormed(svg)).toBe("well-formed");
    expect(svg.match(/<polygon /g)).toHaveLength(2 * 3);
    expect(svg.length).toBeLessThan(100_000);
    // One host is asked for nearly twice what it has: the axis goes that far.
    expect(svg).toContain(">150 %<");
  });

  it("draws nothing but shapes and text of its own, whatever the names say", () => {
    const title = `<script>"&'</script>`;
    const history = historyOf(2, 10, () => 0.5);
    const svg = plotSvg({ title, history, result: { ...result, secondsTo95: null, moveLog: [] } });
    expect(wellFormed(svg)).toBe("well-formed");
    expect(svg).not.toMatch(/<script|<style|href|@import|url\(/);
    expect(svg).not.toContain("level after");
    const shortest = { ...result, seconds: 1 };
    const blank = plotSvg({ title: "", history: new LoadHistory(1), result: shortest });
    expect(wellFormed(blank)).toBe("well-formed");
    expect(blank).not.toMatch(/NaN|Infinity|undefined/);
  });
});

describe("LoadHistory", () => {
  it("keeps at most some six hundred samples, the first and the last among them", () => {
    for (const seconds of [1, 599, 600, 601, 5_000]) {
      const { seconds: kept, cpu, memory } = historyOf(1, seconds, () => 0);
      expect(kept.length).toBeLessThanOrEqual(601);
      expect([kept[0], kept.at(-1)]).toEqual([1, seconds]);
      expect([cpu.length, memory.length]).toEqual([kept.length, kept.length]);
    }
  });
});

it("LoadHistory keeps only the first and the last sample where nobody looks at more", () => {
  const history = new LoadHistory(50, 1);
  for (let second = 1; second <= 50; second++) {
    const spread = { cpuSd: 0, cpuMax: 0, memSd: 0, memMax: 0 };
    history.observe({ second, moves: 0, spread, cpuShares: [second], memoryShares: [0] });
  }
  expect(history.cpu.map(([share]) => share)).toEqual([1, 50]);
});

describe("niceSteps()", () => {
  it.each([
    [1, 5, [0, 0.2, 0.4, 0.6, 0.8, 1]],
    [600, 8, [0, 100, 200, 300, 400, 500, 600]],
    [7, 8, [0, 1, 2, 3, 4, 5, 6, 7]],
    [1.3, 5, [0, 0.5, 1]],
  ])("counts to %d in about %i round steps", (max, count, steps) => {
    expect(niceSteps(max, count)).toEqual(steps);
  });
});

describe("toX() and toY()", () => {
  it("put values between the edges, to a tenth of a pixel", () => {
    const panel: Panel = { left: 10, right: 110, top: 0, bottom: 50, toSecond: 300, max: 2 };
    expect([0, 100, 300].map((second) => toX(panel, second))).toEqual([10, 43.3, 110]);
    expect([0, 1, 2].map((value) => toY(panel, value))).toEqual([50, 25, 0]);
  });
});

describe("escapeXml()", () => {
  it("leaves no markup", () => {
    expect(escapeXml(`a<b>&"c"`)).toBe("a&lt;b&gt;&amp;&quot;c&quot;");
  });
});
